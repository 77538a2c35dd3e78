"""Studies to workers and back: plan, submit, progress, quarantine."""
