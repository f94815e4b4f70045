"""Speed beside the field's own libraries, as ratios measured in one run."""
