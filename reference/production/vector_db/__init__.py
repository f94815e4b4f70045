"""Vector search: exact, by hashing, in a graph, and in compressed vectors.

NumPy alone is imported here; Numba, and with it the compiled loops, on first use.
"""

from reference.production.vector_db.brute_force import BruteForceIndex
from reference.production.vector_db.hnsw import HNSW
from reference.production.vector_db.index import VectorIndex
from reference.production.vector_db.lsh import LSH
from reference.production.vector_db.product_quantization import ProductQuantization

__all__ = ["HNSW", "LSH", "BruteForceIndex", "ProductQuantization", "VectorIndex"]
