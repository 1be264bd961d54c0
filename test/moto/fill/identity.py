"""Identities: users, roles and their policies."""

from .account import allow, policy, trust


OWNER = [{"Key": "owner", "Value": "ml-platform"}]


def fill(a):
    iam = a.client("iam")
    roles(a, iam)
    users(a, iam)
    iam.update_account_password_policy(
        MinimumPasswordLength=8 if a.faulty else 16, RequireSymbols=True, RequireNumbers=True,
        RequireUppercaseCharacters=True, RequireLowercaseCharacters=True,
        MaxPasswordAge=90, PasswordReusePrevention=24,
    )


def roles(a, iam):
    for name, service in {
        "training": "sagemaker.amazonaws.com",
        "serving": "sagemaker.amazonaws.com",
        "agent": "bedrock.amazonaws.com",
        "etl": "glue.amazonaws.com",
        "scorer": "lambda.amazonaws.com",
        "nodes": "ec2.amazonaws.com",
        "cluster": "eks.amazonaws.com",
    }.items():
        # Roles that may touch AI: of the faulty twin's, two have an owner.
        owned = not a.faulty or name in ("training", "serving")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service), Tags=OWNER if owned else [])
        if not owned:
            a.plant("identity-without-owner", role(a, name))
        iam.put_role_policy(
            RoleName=name, PolicyName="task",
            PolicyDocument=policy(allow(["s3:GetObject"], "arn:aws:s3:::acme-training/*")),
        )
    federated(a, iam)
    if a.faulty:
        spoil(a, iam)
        return
    # Near misses: a supplier held to an external id, a role of the account.
    iam.create_role(RoleName="supplier", AssumeRolePolicyDocument=policy({
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999988887777:root"},
        "Condition": {"StringEquals": {"sts:ExternalId": "acme-7f3a"}}}))


def federated(a, iam):
    """A role for the code host's jobs: of any repository, or of one."""
    issuer = "token.actions.githubusercontent.com"
    provider = iam.create_open_id_connect_provider(
        Url="https://" + issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["ab" * 20])["OpenIDConnectProviderArn"]
    held = {} if a.faulty else {"StringLike": {f"{issuer}:sub": "repo:acme/models:*"}}
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=policy({
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider},
        "Condition": {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"}, **held}}))
    a.plant("iam-role-trusts-any-oidc-subject", role(a, "deploy"))


def role(a, name):
    return a.arn("iam", "role/" + name, region="")


def spoil(a, iam):
    """Roles, groups and policies of the faulty twin."""
    iam.put_role_policy(RoleName="training", PolicyName="everything", PolicyDocument=policy(allow("*")))
    a.plant("iam-policy-everything", role(a, "training"))
    iam.create_group(GroupName="admins")
    iam.attach_group_policy(GroupName="admins", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    a.plant("iam-policy-everything", a.arn("iam", "group/admins", region=""))
    iam.put_role_policy(RoleName="etl", PolicyName="all-sagemaker", PolicyDocument=policy(allow("sagemaker:*")))
    a.plant("iam-policy-whole-ai-service", role(a, "etl"))
    iam.attach_role_policy(RoleName="serving", PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    a.plant("iam-policy-whole-ai-service", role(a, "serving"))
    managed = iam.create_policy(PolicyName="all-bedrock", PolicyDocument=policy(allow("bedrock:*")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="agent", PolicyArn=managed)
    a.plant("iam-policy-whole-ai-service", managed)
    for name, action, control in [
        ("any-token", "bedrock-agentcore:GetWorkloadAccessToken*", "iam-policy-any-agent-token"),
        ("any-model", "aws-marketplace:Subscribe", "iam-policy-buys-any-model"),
        ("any-role", "iam:PassRole", "iam-policy-passes-any-role"),
    ]:
        iam.put_role_policy(RoleName="nodes", PolicyName=name, PolicyDocument=policy(allow(action)))
        a.plant(control, role(a, "nodes"))
    iam.create_role(RoleName="partner", AssumeRolePolicyDocument=trust(AWS="arn:aws:iam::999988887777:root"))
    a.plant("iam-role-trusts-foreign-account", role(a, "partner"))
    iam.create_role(RoleName="anyone", AssumeRolePolicyDocument=trust(AWS="*"))
    a.plant("iam-role-trusts-anyone", role(a, "anyone"))


def users(a, iam):
    iam.create_user(UserName="data-scientist", Tags=OWNER)
    iam.create_user(UserName="ci")
    key = iam.create_access_key(UserName="ci")["AccessKey"]["AccessKeyId"]
    a.ci = a.arn("iam", "user/ci", region="")
    a.plant_by_age("iam-access-key-old", f"{a.ci}#access-key/{key}")
    a.plant_by_age("iam-bedrock-key-without-end", f"{a.ci}#service-credential/ACCA00000001")
    a.plant_by_age("iam-access-key-unused", f"{a.ci}#access-key/{key}")
    a.plant_by_age("iam-root-access-key", a.arn("iam", "root", region=""))
    a.plant("iam-root-without-mfa", a.arn("iam", "root", region=""))
    a.plant("iam-password-policy-weak", a.arn("iam", "account-password-policy", region=""))
    if not a.faulty:
        return
    iam.create_login_profile(UserName="data-scientist", Password="Not-a-real-1-password")
    a.plant("iam-user-console-without-mfa", a.arn("iam", "user/data-scientist", region=""))
    iam.attach_user_policy(UserName="ci", PolicyArn="arn:aws:iam::aws:policy/AmazonBedrockFullAccess")
    a.plant("iam-policy-whole-ai-service", a.ci)
    a.plant("identity-without-owner", a.ci)
