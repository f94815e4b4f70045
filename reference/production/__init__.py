"""What runs in production: caching, drift, serving."""
