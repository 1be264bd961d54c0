"""A task that asks the gate before a DAG trains or deploys at a larger size.

    gate = may_grow("fraud-model", replicas=12)
    gate >> train
"""

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s


def may_grow(workload: str, replicas: int, key: str = "{{ var.value.sevenfold_key }}") -> KubernetesPodOperator:
    """Fails, and so holds back what hangs on it, unless the gate admits."""
    return KubernetesPodOperator(
        task_id=f"may-{workload}-grow",
        name=f"may-{workload}-grow",
        image="sevenfold:pinned-by-digest",
        arguments=["gate", "ask", workload, "--replicas", str(replicas), "--certificates", "/certificates", "--key", key],
        volumes=[k8s.V1Volume(name="certificates", config_map=k8s.V1ConfigMapVolumeSource(name="sevenfold-certificates"))],
        volume_mounts=[k8s.V1VolumeMount(name="certificates", mount_path="/certificates", read_only=True)],
        retries=0,
    )
