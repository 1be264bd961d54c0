"""Operations that moto lacks and containment needs, added to a moto that is about to
start: SageMaker UpdateEndpoint, StopTrainingJob, StopPipelineExecution,
RetryPipelineExecution, DeleteModelPackage; Bedrock guardrails; tools and aliases of Bedrock
agents; KMS Sign of digests.

Each request is validated against botocore's model of the service before it is
answered, and each reply after: what the published API does not know is refused here as
it would be there. Changes take effect at once; AWS takes minutes, with states between,
which is why callers ask until the state is reached."""

import base64
import json
import re

import botocore.session
import botocore.validate
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.bedrock import responses as bedrock_responses, urls as bedrock_urls
from moto.bedrockagent import responses as agent_responses, urls as agent_urls
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.kms.responses import KmsResponse
from moto.sagemaker import models, responses
from moto.sagemaker.exceptions import AWSValidationException, ValidationError

session = botocore.session.get_session()


def shape(service, operation, which):
    return getattr(session.get_service_model(service).operation_model(operation), which)


def check(service, operation, which, value):
    model = shape(service, operation, which)
    if model is None:
        return
    report = botocore.validate.ParamValidator().validate(value, model)
    if report.has_errors():
        raise AWSValidationException(f"{operation}: {report.generate_report()}")


def now():
    return models.utcnow()


# SageMaker

def sagemaker(operation):
    """Makes a function of (backend, parameters) a response of moto's."""
    def wrap(fn):
        def method(self):
            params = json.loads(self.body)
            check("sagemaker", operation, "input_shape", params)
            out = fn(self.sagemaker_backend, params)
            check("sagemaker", operation, "output_shape", out or {})
            return ActionResult(out) if out else EmptyResult()
        setattr(responses.SageMakerResponse, fn.__name__, method)
        return fn
    return wrap


@sagemaker("UpdateEndpoint")
def update_endpoint(backend, p):
    endpoint = backend.endpoints.get(p["EndpointName"])
    if endpoint is None:
        raise AWSValidationException(f'Could not find endpoint "{p["EndpointName"]}".')
    config = backend.endpoint_configs.get(p["EndpointConfigName"])
    if config is None:
        raise AWSValidationException(f'Could not find endpoint configuration "{p["EndpointConfigName"]}".')
    endpoint.endpoint_config_name = p["EndpointConfigName"]
    endpoint.production_variants = endpoint._process_production_variants(config.production_variants)
    endpoint.last_modified_time = now()
    return {"EndpointArn": endpoint.arn}


@sagemaker("StopTrainingJob")
def stop_training_job(backend, p):
    job = backend.training_jobs.get(p["TrainingJobName"])
    if job is None:
        raise ValidationError(message="Requested resource not found.")
    if job.training_job_status not in ("InProgress", "Stopping"):
        raise ValidationError(message=f"The request was rejected because the training job is in status {job.training_job_status}.")
    job.training_job_status, job.secondary_status = "Stopped", "Stopped"
    job.training_end_time = job.last_modified_time = now()


def execution(backend, p):
    run = models.get_pipeline_execution_from_arn(backend.pipelines, p["PipelineExecutionArn"])
    run.last_modified_time = now()
    return run


@sagemaker("StopPipelineExecution")
def stop_pipeline_execution(backend, p):
    run = execution(backend, p)
    if run.pipeline_execution_status not in ("Executing", "Stopping"):
        raise AWSValidationException("Only executions that are executing can be stopped.")
    run.pipeline_execution_status = "Stopped"
    return {"PipelineExecutionArn": run.arn}


@sagemaker("RetryPipelineExecution")
def retry_pipeline_execution(backend, p):
    run = execution(backend, p)
    if run.pipeline_execution_status not in ("Stopped", "Failed"):
        raise AWSValidationException("Only executions that have stopped or failed can be retried.")
    run.pipeline_execution_status = "Executing"
    return {"PipelineExecutionArn": run.arn}


@sagemaker("DeleteModelPackage")
def delete_model_package(backend, p):
    arn = backend.model_package_name_mapping.get(p["ModelPackageName"], p["ModelPackageName"])
    if backend.model_packages.pop(arn, None) is None:
        raise AWSValidationException(f"ModelPackage {arn} does not exist.")
    names = backend.model_package_name_mapping
    for name in [n for n, to in names.items() if to == arn]:
        del names[name]


_describe = models.SageMakerModelBackend.describe_model_package


def describe_model_package(self, model_package_name):
    """AWS says of a package it does not know what it says of a group; moto says it otherwise."""
    arn = self.model_package_name_mapping.get(model_package_name, model_package_name)
    if arn not in self.model_packages:
        raise AWSValidationException(f"ModelPackage {arn} does not exist.")
    return _describe(self, model_package_name)


models.SageMakerModelBackend.describe_model_package = describe_model_package

_start = models.SageMakerModelBackend.start_pipeline_execution


def start_pipeline_execution(self, *args, **kwargs):
    """A run that has just been started is executing: moto's has succeeded at once."""
    out = _start(self, *args, **kwargs)
    arn = out["PipelineExecutionArn"] if isinstance(out, dict) else out
    models.get_pipeline_execution_from_arn(self.pipelines, arn).pipeline_execution_status = "Executing"
    return out


models.SageMakerModelBackend.start_pipeline_execution = start_pipeline_execution

_train = models.SageMakerModelBackend.create_training_job


def create_training_job(self, *args, **kwargs):
    """A job whose name begins with running- goes on until it is stopped."""
    out = _train(self, *args, **kwargs)
    for name, job in self.training_jobs.items():
        if name.startswith("running-") and job.training_job_status == "Completed":
            job.training_job_status, job.secondary_status = "InProgress", "Training"
    return out


models.SageMakerModelBackend.create_training_job = create_training_job


# EC2: moto adds the groups an instance was launched with to those its interface has
# now; in AWS the interface's are all there are.
NetworkInterface.group_set = property(lambda self: list(self._group_set or (self.instance.security_groups if self.instance else [])))


# Bedrock: guardrails, and tools of agents. moto dispatches by path.

guardrails, versions, aliases = {}, {}, {}
STAMP = "2026-03-01T08:30:15Z"


def answer(status, body):
    return status, {"Content-Type": "application/json"}, json.dumps(body)


def refuse(status, code, message):
    return status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, json.dumps({"message": message})


def configs(policy):
    """The reply spells filtersConfig as filters, topicsConfig as topics."""
    return {re.sub("Config$", "", k): v for k, v in policy.items()}


def refusing(fn):
    """Answers what a check refuses as the service would."""
    def handler(request, full_url, headers):
        try:
            return fn(request, full_url, headers)
        except AWSValidationException as e:
            return refuse(400, "ValidationException", str(e))
    handler.__name__ = fn.__name__
    return handler


@refusing
def guardrail(request, full_url, headers):
    where = re.search(r"/guardrails(?:/([^/?]+))?", request.path)
    account = "123456789012"
    body = json.loads(request.data or b"{}")
    if where.group(1) is None and request.method == "POST":
        check("bedrock", "CreateGuardrail", "input_shape", body)
        gid = "gr%010d" % len(guardrails)
        guardrails[gid] = {"DRAFT": body}
        return answer(202, {"guardrailId": gid, "guardrailArn": f"arn:aws:bedrock:eu-west-1:{account}:guardrail/{gid}", "version": "DRAFT", "createdAt": STAMP})
    gid = where.group(1)
    if gid not in guardrails:
        return refuse(404, "ResourceNotFoundException", "no such guardrail")
    arn = f"arn:aws:bedrock:eu-west-1:{account}:guardrail/{gid}"
    kept = guardrails[gid]
    if request.method == "POST":
        check("bedrock", "CreateGuardrailVersion", "input_shape", {**body, "guardrailIdentifier": gid})
        kept[str(len(kept))] = kept["DRAFT"]
        return answer(202, {"guardrailId": gid, "version": str(len(kept) - 1)})
    if request.method == "DELETE":  # of one version; without one, of all
        check("bedrock", "DeleteGuardrail", "input_shape", {"guardrailIdentifier": gid, **request.args})
        version = request.args.get("guardrailVersion")
        if version is not None and kept.pop(version, None) is None:
            return refuse(404, "ResourceNotFoundException", "no such version")
        if version is None:
            del guardrails[gid]
        return answer(202, {})
    if request.method == "PUT":
        check("bedrock", "UpdateGuardrail", "input_shape", {**body, "guardrailIdentifier": gid})
        kept["DRAFT"] = body
        return answer(202, {"guardrailId": gid, "guardrailArn": arn, "version": "DRAFT", "updatedAt": STAMP})
    version = request.args.get("guardrailVersion", "DRAFT")
    if version not in kept:
        return refuse(404, "ResourceNotFoundException", "no such version")
    g = kept[version]
    out = {"name": g["name"], "guardrailId": gid, "guardrailArn": arn, "version": version, "status": "READY",
           "blockedInputMessaging": g["blockedInputMessaging"], "blockedOutputsMessaging": g["blockedOutputsMessaging"]}
    if "description" in g:
        out["description"] = g["description"]
    for k, v in g.items():
        if k.endswith("PolicyConfig"):
            out[re.sub("Config$", "", k)] = configs(v)
    return answer(200, {**out, "createdAt": STAMP, "updatedAt": STAMP})


@refusing
def tool(request, full_url, headers):
    """Tools of an agent's versions. Only those of the draft change; an alias that is made
    without a version makes one of the draft."""
    agent, version, tid = re.search(r"/agents/([^/]+)/agentversions/([^/]+)/actiongroups/(?:([^/?]+)/?)?", full_url).groups()
    body = json.loads(request.data or b"{}")
    base = {"agentId": short(agent), "agentVersion": version, "createdAt": STAMP, "updatedAt": STAMP}
    tools = versions.setdefault(agent, {"DRAFT": {}}).get(version)
    where = {"agentId": short(agent), "agentVersion": version}
    if tools is None:
        return refuse(404, "ResourceNotFoundException", "no such version")
    if version != "DRAFT" and request.method != "GET":
        return refuse(400, "ValidationException", "only the draft can be changed")
    if tid is None:
        check("bedrock-agent", "CreateAgentActionGroup", "input_shape", {**body, **where})
        tid = "TOOL%06d" % len(tools)
        tools[tid] = {"actionGroupState": "ENABLED", **body}
    elif tid not in tools:
        return refuse(404, "ResourceNotFoundException", "no such action group")
    elif request.method == "DELETE":
        skip = request.args.get("skipResourceInUseCheck", "false") == "true"
        check("bedrock-agent", "DeleteAgentActionGroup", "input_shape", {**where, "actionGroupId": tid, "skipResourceInUseCheck": skip})
        if tools[tid]["actionGroupState"] == "ENABLED" and not skip:
            return refuse(400, "ValidationException", f"ActionGroup with name {tools[tid]['actionGroupName']} cannot be deleted when it is Enabled. Either use SkipResourceInUseCheck flag or mark it as Disabled.")
        del tools[tid]
        return 204, {}, ""
    elif request.method == "PUT":
        check("bedrock-agent", "UpdateAgentActionGroup", "input_shape", {**body, **where, "actionGroupId": tid})
        tools[tid] = {"actionGroupState": "ENABLED", **body}
    return answer(200, {"agentActionGroup": {**base, "actionGroupId": tid, **tools[tid]}})


def short(agent):
    """moto's agent ids are longer than the API's."""
    return agent[:10].upper().replace("-", "0")


@refusing
def alias(request, full_url, headers):
    """Aliases of an agent, one a page: PUT makes one, POST lists."""
    agent = re.search(r"/agents/([^/]+)/", full_url).group(1)
    body = json.loads(request.data or b"{}")
    made, has = aliases.setdefault(agent, []), versions.setdefault(agent, {"DRAFT": {}})
    if request.method == "PUT":
        check("bedrock-agent", "CreateAgentAlias", "input_shape", {**body, "agentId": short(agent)})
        if "routingConfiguration" not in body:
            has[str(len(has))] = json.loads(json.dumps(has["DRAFT"]))
            body["routingConfiguration"] = [{"agentVersion": str(len(has) - 1)}]
        body.pop("clientToken", None)
        made.append({"agentAliasId": "ALIAS%05d" % len(made), "agentAliasStatus": "PREPARED", "aliasInvocationState": "ACCEPT_INVOCATIONS", "createdAt": STAMP, "updatedAt": STAMP, **body})
        return answer(202, {"agentAlias": {**made[-1], "agentId": short(agent), "agentAliasArn": "arn:aws:bedrock:eu-west-1:123456789012:agent-alias/%s/%s" % (short(agent), made[-1]["agentAliasId"])}})
    check("bedrock-agent", "ListAgentAliases", "input_shape", {**body, "agentId": short(agent)})
    at = int(body.get("nextToken", "0"))
    return answer(200, {"agentAliasSummaries": made[at:at + 1], **({"nextToken": str(at + 1)} if at + 1 < len(made) else {})})


def prepare(request, full_url, headers):
    agent = re.search(r"/agents/([^/]+)/", full_url).group(1)
    return answer(202, {"agentId": agent, "agentStatus": "PREPARING", "agentVersion": "DRAFT", "preparedAt": STAMP})


_dispatch = agent_responses.AgentsforBedrockResponse.dispatch


def agents(request, full_url, headers):
    """/agents/ID/ serves GetAgent too."""
    return prepare(request, full_url, headers) if request.method == "POST" else _dispatch(request, full_url, headers)


_sign = KmsResponse.sign


def sign(self):
    """MessageType DIGEST: moto signs the digest's digest."""
    if self._get_param("MessageType") != "DIGEST":
        return _sign(self)
    request = {k: self._get_param(k) for k in ("KeyId", "Message", "MessageType", "SigningAlgorithm")}
    digest = request["Message"]
    digest = base64.b64decode(digest) if isinstance(digest, str) else digest
    check("kms", "Sign", "input_shape", {**request, "Message": digest})
    key = self.kms_backend.describe_key(request["KeyId"])
    if request["SigningAlgorithm"] != "ECDSA_SHA_256" or len(digest) != 32 or key.key_spec != "ECC_NIST_P256":
        raise AWSValidationException("Digest is invalid length for algorithm " + request["SigningAlgorithm"])
    signature = key.private_key.private_key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    return json.dumps({"KeyId": key.arn, "Signature": base64.b64encode(signature).decode(), "SigningAlgorithm": request["SigningAlgorithm"]})


KmsResponse.sign = sign

more = {
    "{0}/guardrails$": guardrail,
    "{0}/guardrails/(?P<guardrail>[^/]+)$": guardrail,
    "{0}/agents/(?P<agent>[^/]+)/agentversions/(?P<version>[^/]+)/actiongroups/$": tool,
    "{0}/agents/(?P<agent>[^/]+)/agentversions/(?P<version>[^/]+)/actiongroups/(?P<tool>[^/]+)/$": tool,
    "{0}/agents/(?P<agent>[^/]+)/agentaliases/$": alias,
    "{0}/agents/(?P<agent_name>[^/]+)/$": agents,
}
for urls in (bedrock_urls, agent_urls):
    rest = {k: v for k, v in urls.url_paths.items() if k not in more}
    urls.url_paths.clear()
    urls.url_paths.update({"{0}/.*$": rest.pop("{0}/.*$"), **more, **rest})
