"""Hardware profiles: data only, one TOML file per target; neuroalign.profile reads them."""
