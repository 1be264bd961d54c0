"""One account of the double, and the faults planted in it."""

import io
import json
import zipfile

import boto3
from botocore.config import Config


class Account:
    """An account being filled; `faulty` says which twin it is."""

    def __init__(self, endpoint, region, faulty):
        self.region, self.faulty = region, faulty
        self.id = "123456789012"
        self._endpoint = endpoint
        self.faults, self.aged = [], []

    def client(self, service, region=None):
        client = boto3.client(
            service,
            region_name=region or self.region,
            endpoint_url=self._endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, inject_host_prefix=False),
        )
        client.meta.events.register("before-send", self._plain_host)
        return client

    def _plain_host(self, request, **_):
        """S3 Control puts the account before the host, where no double listens."""
        request.url = request.url.replace(f"//{self.id}.", "//")

    def plant(self, control, asset):
        """Records a fault of the faulty twin; call it beside what plants it."""
        if self.faulty:
            self.faults.append({"control": control, "asset": asset})

    def plant_by_age(self, control, asset):
        """Records a fault that shows only once time has passed, or that the
        double states wrongly: whoever stands before the double (the twins'
        Go test) rewrites the reply."""
        if self.faulty:
            self.aged.append({"control": control, "asset": asset})

    def arn(self, service, rest, region=None, account=None):
        region = self.region if region is None else region
        account = self.id if account is None else account
        return f"arn:aws:{service}:{region}:{account}:{rest}"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resources="*", **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def trust(service=None, **principal):
    principal = principal or {"Service": service}
    return policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})


def code():
    """A zip with one harmless function in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("index.py", "def handler(event, context):\n    return event\n")
    return out.getvalue()
