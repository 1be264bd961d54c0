package main

// statements are what a policy of a team allows.
func (a *account) statements(bad bool) []obj {
	resource := any([]string{"arn:aws:s3:::" + a.name("data"), "arn:aws:s3:::" + a.name("data") + "/*"})
	actions := []string{"s3:GetObject", "s3:ListBucket", "s3:PutObject"}
	if bad {
		resource, actions = "*", []string{"*"}
	}
	return []obj{
		{"Sid": "Data", "Effect": "Allow", "Action": actions, "Resource": resource},
		{"Sid": "Keys", "Effect": "Allow", "Action": []string{"kms:Decrypt", "kms:GenerateDataKey"}, "Resource": pick(a.generator, a.keys)},
		{"Sid": "Logs", "Effect": "Allow", "Action": []string{"logs:CreateLogStream", "logs:PutLogEvents"}, "Resource": a.arn("logs", "log-group:/aws/"+a.name("log")+":*"),
			"Condition": obj{"StringEquals": obj{"aws:ResourceAccount": a.id}}},
	}
}

func (a *account) policy(int) {
	name := a.name("policy")
	arn := a.iam("policy/" + name)
	a.policies = append(a.policies, arn)
	a.send(a.asset("AWS::IAM::ManagedPolicy", arn, name, ""), "iam:GetAccountAuthorizationDetails", obj{
		"PolicyName": name, "PolicyId": "ANPA" + a.hex(16), "Arn": arn, "Path": "/", "DefaultVersionId": "v3", "AttachmentCount": a.r.IntN(9), "PermissionsBoundaryUsageCount": 0,
		"IsAttachable": true, "CreateDate": a.date(), "UpdateDate": a.date(),
		"PolicyVersionList": []obj{{"Document": obj{"Version": "2012-10-17", "Statement": a.statements(a.bad())}, "VersionId": "v3", "IsDefaultVersion": true, "CreateDate": a.date()}},
	})
}

func (a *account) role(int) {
	name := a.name("role")
	arn := a.iam("role/" + name)
	a.roles = append(a.roles, arn)
	bad := a.bad()
	principal := any(obj{"Service": pick(a.generator, []string{"sagemaker.amazonaws.com", "lambda.amazonaws.com", "ec2.amazonaws.com", "ecs-tasks.amazonaws.com"})})
	if bad {
		principal = obj{"AWS": "*"}
	}
	var attached []obj
	for _, p := range some(a.generator, a.policies, 3) {
		attached = append(attached, obj{"PolicyName": p, "PolicyArn": p})
	}
	a.send(a.asset("AWS::IAM::Role", arn, name, ""), "iam:GetAccountAuthorizationDetails", obj{
		"Path": "/", "RoleName": name, "RoleId": "AROA" + a.hex(16), "Arn": arn, "CreateDate": a.date(), "InstanceProfileList": []obj{}, "Tags": a.tags(name),
		"AssumeRolePolicyDocument": obj{"Version": "2012-10-17", "Statement": []obj{{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}}},
		"RolePolicyList":           []obj{{"PolicyName": "inline", "PolicyDocument": obj{"Version": "2012-10-17", "Statement": a.statements(false)}}},
		"AttachedManagedPolicies":  attached, "RoleLastUsed": obj{"LastUsedDate": a.recent(), "Region": region},
	})
}

func (a *account) user(int) {
	name := a.name("user")
	arn := a.iam("user/" + name)
	a.users = append(a.users, name)
	a.send(a.asset("AWS::IAM::User", arn, name, ""), "iam:GetAccountAuthorizationDetails", obj{
		"Path": "/", "UserName": name, "UserId": "AIDA" + a.hex(16), "Arn": arn, "CreateDate": a.date(), "GroupList": []string{}, "Tags": a.tags(name), "UserPolicyList": []obj{},
		"AttachedManagedPolicies": []obj{{"PolicyName": "p", "PolicyArn": pick(a.generator, a.policies)}},
		"ListMFADevices":          obj{"MFADevices": []obj{{"UserName": name, "SerialNumber": a.iam("mfa/" + name), "EnableDate": a.date()}}},
	}, "GetLoginProfile")
}

func (a *account) accessKey(int) {
	user := pick(a.generator, a.users)
	id := "AKIA" + a.hex(16)
	created := a.recent()
	if a.bad() {
		created = "2022-01-01T00:00:00+00:00"
	}
	a.send(a.asset("AWS::IAM::AccessKey", a.iam("user/"+user)+"#access-key/"+id, id, ""), "iam:ListAccessKeys", obj{
		"UserName": user, "AccessKeyId": id, "Status": "Active", "CreateDate": created,
		"GetAccessKeyLastUsed": obj{"UserName": user, "AccessKeyLastUsed": obj{"LastUsedDate": a.recent(), "ServiceName": "s3", "Region": region}},
	})
}
