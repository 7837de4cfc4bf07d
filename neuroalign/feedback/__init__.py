"""Networks whose backward weights come from anywhere: backpropagation, the baselines, and spiking alignment phases."""
