"""What happens inside: anomaly mode and gradient checks."""
