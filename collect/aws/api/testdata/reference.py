"""Makes the calls of a file by boto3 and prints the replies as the AWS command
line would: ResponseMetadata gone, timestamps in ISO 8601, blobs in base64."""
import base64, datetime, json, socket, sys
import boto3, botocore.config, botocore.exceptions

# S3 Control puts the account before the host, also before an IP address.
lookup = socket.getaddrinfo
socket.getaddrinfo = lambda host, *a, **k: lookup("127.0.0.1" if host.endswith(".127.0.0.1") else host, *a, **k)


def spell(o):
    if isinstance(o, datetime.datetime):
        return o.isoformat() if o.tzinfo else o.replace(tzinfo=datetime.timezone.utc).isoformat()
    if isinstance(o, bytes):
        return base64.b64encode(o).decode()
    if hasattr(o, "read"):
        return o.read().decode()
    raise TypeError(o)


clients, out = {}, []
for call in json.load(open(sys.argv[1])):
    name = call["service"]
    c = clients.setdefault(name, boto3.client(name, config=botocore.config.Config(retries={"max_attempts": 1})))
    method = getattr(c, {v: k for k, v in c.meta.method_to_api_mapping.items()}[call["operation"]])
    try:
        r = method(**call.get("params", {}))
        r.pop("ResponseMetadata", None)
        out.append({"Reply": r, "Code": ""})
    except botocore.exceptions.ClientError as e:
        out.append({"Reply": None, "Code": e.response["Error"]["Code"]})
    except Exception as e:  # what botocore itself cannot read
        out.append({"Reply": None, "Code": "botocore: " + type(e).__name__})
json.dump(out, sys.stdout, default=spell)
