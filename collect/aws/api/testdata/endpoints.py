"""Prints testdata/endpoints.txt: what botocore's resolver says for the services
given, so that the condensed rules can be held against it."""
import sys
from urllib.parse import urlparse
import botocore.session
from botocore.config import Config

REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-5", "eu-central-2", "cn-north-1", "us-gov-west-1", "us-iso-east-1"]
session = botocore.session.get_session()
session.set_credentials("a", "b")
for service in sys.argv[1:]:
    for variant in ["std", "fips", "dual"]:
        for region in REGIONS if variant == "std" else ["us-east-1", "us-gov-west-1"]:
            c = session.create_client(service, region_name=region, config=Config(use_fips_endpoint=variant == "fips", use_dualstack_endpoint=variant == "dual"))
            op = c.meta.service_model.operation_model(c.meta.service_model.operation_names[0])
            try:
                e = c._ruleset_resolver._provider.resolve_endpoint(Region=region, UseFIPS=variant == "fips", UseDualStack=variant == "dual")
            except Exception:
                continue
            a = next((x for x in e.properties.get("authSchemes", []) if x["name"] == "sigv4"), {})
            print(service, region, variant, urlparse(e.url).netloc, a.get("signingRegion", region), a.get("signingName", c.meta.service_model.signing_name))
