"""A scenario as Kubernetes manifests, and manifests as a scenario.

Each pool becomes a Deployment and, where its policy is `hpa`, a HorizontalPodAutoscaler
(autoscaling/v2). A ConfigMap beside them keeps the scenario and the policy in full, because the
other two cannot say what a worker costs, how fast it serves or what power its node draws.
"""

from engine.manifests.read import Deployed, read
from engine.manifests.write import (
    DEFAULT_POLICY,
    ManifestOptions,
    default_policy,
    documents,
    to_yaml,
)

__all__ = [
    "DEFAULT_POLICY", "Deployed", "ManifestOptions", "default_policy", "documents", "read",
    "to_yaml",
]  # fmt: skip
