"""Fills a moto account with what tells who may do what: an organisation with
control policies, IAM Identity Center, access entries of a cluster, providers of
identities, and resources with policies of their own. Prints the ids that moto
makes up, as JSON."""

import json

import boto3

R = "eu-west-1"
ACCOUNT = "123456789012"


def client(name, region=R):
    return boto3.client(name, region_name=region)


def statement(effect="Allow", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, **more}]})


out = {}

org = client("organizations")
org.create_organization(FeatureSet="ALL")
root = org.list_roots()["Roots"][0]
unit = org.create_organizational_unit(ParentId=root["Id"], Name="ml")["OrganizationalUnit"]
inner = org.create_organizational_unit(ParentId=unit["Id"], Name="training")["OrganizationalUnit"]
member = org.create_account(AccountName="train", Email="train@example.org")["CreateAccountStatus"]["AccountId"]
org.move_account(AccountId=member, SourceParentId=root["Id"], DestinationParentId=inner["Id"])
for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
    try:
        org.enable_policy_type(RootId=root["Id"], PolicyType=kind)
    except org.exceptions.PolicyTypeAlreadyEnabledException:
        pass
scp = org.create_policy(Name="no-models-elsewhere", Description="x", Type="SERVICE_CONTROL_POLICY",
                        Content=statement("Deny", Action="sagemaker:*", Resource="*"))["Policy"]["PolicySummary"]
rcp = org.create_policy(Name="own-organisation", Description="x", Type="RESOURCE_CONTROL_POLICY",
                        Content=statement("Deny", Principal="*", Action="s3:*", Resource="*"))["Policy"]["PolicySummary"]
org.attach_policy(PolicyId=scp["Id"], TargetId=inner["Id"])
org.attach_policy(PolicyId=rcp["Id"], TargetId=root["Id"])
out |= {"root": root["Arn"], "unit": unit["Arn"], "inner": inner["Arn"], "member": member, "scp": scp["Arn"], "rcp": rcp["Arn"]}

sso = client("sso-admin")
instance = sso.list_instances()["Instances"][0]
store, arn = instance["IdentityStoreId"], instance["InstanceArn"]
ids = client("identitystore")
user = ids.create_user(IdentityStoreId=store, UserName="ada", DisplayName="Ada", Name={"GivenName": "Ada", "FamilyName": "L"},
                       Emails=[{"Value": "ada@example.org", "Primary": True}], PhoneNumbers=[{"Value": "+15550100"}])["UserId"]
group = ids.create_group(IdentityStoreId=store, DisplayName="ml")["GroupId"]
ids.create_group_membership(IdentityStoreId=store, GroupId=group, MemberId={"UserId": user})
admin = sso.create_permission_set(InstanceArn=arn, Name="Admin", SessionDuration="PT1H")["PermissionSet"]["PermissionSetArn"]
sso.attach_managed_policy_to_permission_set(InstanceArn=arn, PermissionSetArn=admin, ManagedPolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
reader = sso.create_permission_set(InstanceArn=arn, Name="Reader", SessionDuration="PT1H")["PermissionSet"]["PermissionSetArn"]
sso.put_inline_policy_to_permission_set(InstanceArn=arn, PermissionSetArn=reader, InlinePolicy=statement(Action="sagemaker:Describe*", Resource="*"))
sso.attach_customer_managed_policy_reference_to_permission_set(InstanceArn=arn, PermissionSetArn=reader,
                                                               CustomerManagedPolicyReference={"Name": "read", "Path": "/ml/"})
for account, given, kind, who in ((ACCOUNT, admin, "GROUP", group), (member, admin, "USER", user), (ACCOUNT, reader, "USER", user)):
    sso.create_account_assignment(InstanceArn=arn, TargetId=account, TargetType="AWS_ACCOUNT", PermissionSetArn=given, PrincipalType=kind, PrincipalId=who)
    sso.provision_permission_set(InstanceArn=arn, PermissionSetArn=given, TargetId=account, TargetType="AWS_ACCOUNT")
out |= {"instance": arn, "store": store, "user": user, "group": group, "admin": admin, "reader": reader}

iam = client("iam")
iam.create_open_id_connect_provider(Url="https://oidc.eks.eu-west-1.amazonaws.com/id/X", ClientIDList=["sts.amazonaws.com"])
iam.create_saml_provider(Name="corp", SAMLMetadataDocument="x" * 1000)
iam.create_user(UserName="key")
out["key"] = iam.create_access_key(UserName="key")["AccessKey"]["AccessKeyId"]

role = iam.create_role(RoleName="f", AssumeRolePolicyDocument=statement(Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole"))["Role"]["Arn"]
kms = client("kms")
key = kms.create_key()["KeyMetadata"]["Arn"]
kms.create_grant(KeyId=key, GranteePrincipal=role, Operations=["Decrypt"])
out["kms"] = key
client("sqs").create_queue(QueueName="jobs", Attributes={"Policy": statement(Principal="*", Action="sqs:SendMessage", Resource="*")})
topic = client("sns").create_topic(Name="alarms")["TopicArn"]
client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=statement(Principal="*", Action="sns:Publish", Resource=topic))
secret = client("secretsmanager").create_secret(Name="hub", SecretString="x")["ARN"]
client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=statement(Principal={"AWS": role}, Action="secretsmanager:GetSecretValue", Resource="*"))
out["secret"] = secret
ecr = client("ecr")
ecr.create_repository(repositoryName="serve")
ecr.set_repository_policy(repositoryName="serve", policyText=statement(Principal={"AWS": role}, Action="ecr:BatchGetImage"))
s3 = client("s3")
s3.create_bucket(Bucket="acme-train", CreateBucketConfiguration={"LocationConstraint": R})
s3.put_bucket_ownership_controls(Bucket="acme-train", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
print(json.dumps(out))
