"""The command line: a command a module, `app` puts them together, `*_terminal` is what a command prints."""
