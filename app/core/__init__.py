"""Values, errors, clock and calendar: the layer that knows nothing else of the system."""
