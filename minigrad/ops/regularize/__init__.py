"""What regularization needs inside a graph: penalties and dropout."""
