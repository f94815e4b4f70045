"""Mathematics: linear algebra, optimization, probability."""
