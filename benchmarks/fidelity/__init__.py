"""How true the predictor is: fits on one half of the measurements, errors on the other."""
