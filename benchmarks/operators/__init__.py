"""PyTorch's own operator database, forward, on the chip: pass, wrong, unsupported."""
