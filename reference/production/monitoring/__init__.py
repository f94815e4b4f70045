"""Monitoring: performance, drift, and alerts that reach someone."""

from reference.production.drift import (
    DriftDetector,
    DriftResult,
    chi_square_test,
    ks_test,
    psi,
)
from reference.production.monitoring.alerts import SEVERITIES, Alert, AlertManager
from reference.production.monitoring.performance import (
    PerformanceMetrics,
    PerformanceMonitor,
)
from reference.production.monitoring.webhooks import (
    WebhookError,
    WebhookHandler,
    pagerduty_event,
    slack_message,
)

__all__ = [
    "SEVERITIES",
    "Alert",
    "AlertManager",
    "DriftDetector",
    "DriftResult",
    "PerformanceMetrics",
    "PerformanceMonitor",
    "WebhookError",
    "WebhookHandler",
    "chi_square_test",
    "ks_test",
    "pagerduty_event",
    "psi",
    "slack_message",
]
