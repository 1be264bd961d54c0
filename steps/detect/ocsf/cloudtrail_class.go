package ocsf

import "strings"

func callsModel(service, action string) bool {
	switch service {
	case "bedrock.amazonaws.com", "bedrock-runtime.amazonaws.com", "runtime.sagemaker.amazonaws.com", "sagemaker.amazonaws.com", "bedrock-agentcore.amazonaws.com":
		return strings.HasPrefix(action, "Invoke") || strings.HasPrefix(action, "Converse")
	}
	return false
}

func classifyAWS(e *Event, data bool) (Class, Activity) {
	switch e.Service {
	case "signin.amazonaws.com":
		return ClassAuthentication, ActivityLogon
	case "sts.amazonaws.com":
		if strings.HasPrefix(e.Action, "AssumeR") || e.Action == "GetSessionToken" || e.Action == "GetFederationToken" {
			return ClassAuthentication, ActivityLogon
		}
	case "iam.amazonaws.com":
		if c, a := classifyIAM(e.Action); c != 0 {
			return c, a
		}
	}
	act := verb(e.Action)
	if data && (e.Service == "s3.amazonaws.com" || e.Service == "dynamodb.amazonaws.com") {
		return ClassDatastoreActivity, datastore(act)
	}
	return ClassAPIActivity, act
}

func classifyIAM(action string) (Class, Activity) {
	switch {
	case strings.HasPrefix(action, "Attach"), action == "AddUserToGroup", action == "AddRoleToInstanceProfile",
		strings.HasPrefix(action, "Put") && strings.HasSuffix(action, "Policy"):
		return ClassUserAccess, 1 // assign privileges
	case strings.HasPrefix(action, "Detach"), action == "RemoveUserFromGroup", strings.HasPrefix(action, "Delete") && strings.HasSuffix(action, "Policy"):
		return ClassUserAccess, 2 // revoke privileges
	}
	switch action {
	case "CreateUser":
		return ClassAccountChange, 1 // create
	case "UpdateLoginProfile", "ChangePassword":
		return ClassAccountChange, 3 // password change
	case "DeleteUser":
		return ClassAccountChange, 6 // delete
	}
	return ClassUnknown, ActivityUnknown
}

// verbs are the beginnings of operation names, and what an operation so
// called does.
var verbs = []struct {
	prefix   string
	activity Activity
}{
	{"Get", ActivityRead}, {"List", ActivityRead}, {"Describe", ActivityRead}, {"Head", ActivityRead}, {"BatchGet", ActivityRead},
	{"Search", ActivityRead}, {"Query", ActivityRead}, {"Lookup", ActivityRead}, {"Select", ActivityRead}, {"Scan", ActivityRead}, {"Decrypt", ActivityRead},
	{"Create", ActivityCreate}, {"Run", ActivityCreate}, {"Start", ActivityCreate}, {"Allocate", ActivityCreate}, {"Register", ActivityCreate}, {"Copy", ActivityCreate},
	{"Delete", ActivityDelete}, {"Terminate", ActivityDelete}, {"Remove", ActivityDelete}, {"Deregister", ActivityDelete}, {"Release", ActivityDelete},
	{"Put", ActivityUpdate}, {"Update", ActivityUpdate}, {"Modify", ActivityUpdate}, {"Attach", ActivityUpdate}, {"Detach", ActivityUpdate},
	{"Set", ActivityUpdate}, {"Add", ActivityUpdate}, {"Stop", ActivityUpdate}, {"Tag", ActivityUpdate}, {"Untag", ActivityUpdate},
	{"Enable", ActivityUpdate}, {"Disable", ActivityUpdate}, {"Associate", ActivityUpdate}, {"Disassociate", ActivityUpdate}, {"Authorize", ActivityUpdate}, {"Revoke", ActivityUpdate},
}

func verb(action string) Activity {
	if action == "" {
		return ActivityOther
	}
	for i := range verbs {
		if verbs[i].prefix[0] == action[0] && strings.HasPrefix(action, verbs[i].prefix) {
			return verbs[i].activity
		}
	}
	return ActivityOther
}

// datastore says an API activity in the numbers of datastore activity.
func datastore(a Activity) Activity {
	switch a {
	case ActivityRead:
		return 1
	case ActivityUpdate:
		return 5 // write
	case ActivityCreate:
		return 6
	case ActivityDelete:
		return 7
	}
	return ActivityOther
}

// fromParams are the things that the request's parameters name; of a bucket and a key one
// ARN is made.
func (d *cloudTrail) fromParams() []Resource {
	if d.named == 0 {
		return nil
	}
	var bucket, key string
	if d.e.Service == "s3.amazonaws.com" {
		for i := range d.named {
			r := &d.params[min(i, len(d.params)-1)]
			if i >= len(d.params) {
				r = &d.more[i-len(d.params)]
			}
			switch r.Type {
			case "bucketName":
				bucket = r.ID
			case "key":
				key = r.ID
			}
		}
	}
	switch {
	case bucket == "":
		out := make([]Resource, 0, d.named)
		return append(append(out, d.params[:min(d.named, len(d.params))]...), d.more...)
	case key == "":
		return []Resource{{ID: "arn:aws:s3:::" + bucket, Type: "AWS::S3::Bucket"}}
	}
	whole := "arn:aws:s3:::" + bucket + "/" + key // the bucket's is its beginning
	return []Resource{{ID: whole, Type: "AWS::S3::Object"}, {ID: whole[:len(whole)-len(key)-1], Type: "AWS::S3::Bucket"}}
}
