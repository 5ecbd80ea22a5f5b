"""ARNs of Personalize resources, which follow from their names.

Source: the service's IAM resource types.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arns:
    partition: str
    region: str
    account: str

    @classmethod
    def beside(cls, arn: str, region: str) -> Arns:
        """ARNs in the partition and account of another one, such as a role's (which has no region)."""
        _, partition, _, _, account, _ = arn.split(":", 5)
        return cls(partition, region, account)

    def _of(self, path: str) -> str:
        return f"arn:{self.partition}:personalize:{self.region}:{self.account}:{path}"

    def dataset_group(self, name: str) -> str:
        return self._of(f"dataset-group/{name}")

    def dataset(self, group: str, dataset: str) -> str:
        """Named by group and kind, whatever name CreateDataset was given."""
        return self._of(f"dataset/{group}/{dataset.upper()}")

    def schema(self, name: str) -> str:
        return self._of(f"schema/{name}")

    def import_job(self, name: str) -> str:
        return self._of(f"dataset-import-job/{name}")

    def solution(self, name: str) -> str:
        return self._of(f"solution/{name}")

    def campaign(self, name: str) -> str:
        return self._of(f"campaign/{name}")

    def recommender(self, name: str) -> str:
        return self._of(f"recommender/{name}")

    def filter(self, name: str) -> str:
        return self._of(f"filter/{name}")

    def batch_job(self, name: str) -> str:
        return self._of(f"batch-inference-job/{name}")

    def segment_job(self, name: str) -> str:
        return self._of(f"batch-segment-job/{name}")

    def recipe(self, name: str) -> str:
        return f"arn:{self.partition}:personalize:::recipe/{name}"
