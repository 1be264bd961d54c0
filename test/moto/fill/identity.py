"""Identities: users, roles and their policies."""

from .account import allow, policy, trust


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
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))
        iam.put_role_policy(
            RoleName=name, PolicyName="task",
            PolicyDocument=policy(allow(["s3:GetObject"], "arn:aws:s3:::acme-training/*")),
        )
    if not a.faulty:
        return
    iam.put_role_policy(RoleName="training", PolicyName="everything", PolicyDocument=policy(allow("*")))
    a.plant("iam-policy-administrator", a.arn("iam", "role/training", region=""))
    iam.put_role_policy(RoleName="etl", PolicyName="all-sagemaker", PolicyDocument=policy(allow("sagemaker:*")))
    a.plant("iam-policy-ai-service-wildcard", a.arn("iam", "role/etl", region=""))
    iam.attach_role_policy(RoleName="serving", PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    a.plant("iam-ai-full-access-attached", a.arn("iam", "role/serving", region=""))
    iam.create_role(RoleName="partner", AssumeRolePolicyDocument=trust(AWS="arn:aws:iam::999988887777:root"))
    a.plant("iam-role-trusts-stranger", a.arn("iam", "role/partner", region=""))
    iam.create_role(RoleName="anyone", AssumeRolePolicyDocument=trust(AWS="*"))
    a.plant("iam-role-trusts-everyone", a.arn("iam", "role/anyone", region=""))


def users(a, iam):
    iam.create_user(UserName="data-scientist", Tags=[{"Key": "owner", "Value": "ml-platform"}])
    if not a.faulty:
        return
    iam.create_login_profile(UserName="data-scientist", Password="Not-a-real-1-password")
    a.plant("iam-user-without-mfa", a.arn("iam", "user/data-scientist", region=""))
    iam.create_user(UserName="ci")
    iam.attach_user_policy(UserName="ci", PolicyArn="arn:aws:iam::aws:policy/AmazonBedrockFullAccess")
    a.plant("iam-ai-full-access-attached", a.arn("iam", "user/ci", region=""))
