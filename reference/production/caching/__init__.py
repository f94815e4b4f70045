"""Caches: in memory, on Redis, of embeddings and of predictions.

Importing them loads neither NumPy nor redis; the first use of what needs one does.
"""

from reference.production.caching.embedding import EmbeddingCache
from reference.production.caching.interface import CacheInterface, CacheStatistics
from reference.production.caching.lru import LRUCache
from reference.production.caching.prediction import PredictionCache
from reference.production.caching.redis_cache import RedisCache

__all__ = [
    "CacheInterface",
    "CacheStatistics",
    "EmbeddingCache",
    "LRUCache",
    "PredictionCache",
    "RedisCache",
]
