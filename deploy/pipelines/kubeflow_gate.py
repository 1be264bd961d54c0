"""A component that asks the gate before a Kubeflow pipeline trains at a larger size.

    asked = may_grow(workload="fraud-model", replicas=12, key=KEY)
    # kfp-kubernetes: use_config_map_as_volume(asked, "sevenfold-certificates", "/certificates")
    train(...).after(asked)
"""

from kfp import dsl


@dsl.container_component
def may_grow(workload: str, replicas: int, key: str):
    """Fails, and so holds back what comes after it, unless the gate admits."""
    return dsl.ContainerSpec(
        image="sevenfold:pinned-by-digest",
        command=["/sevenfold"],
        args=["gate", "ask", workload, "--replicas", replicas, "--certificates", "/certificates", "--key", key],
    )
