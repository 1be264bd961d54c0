package redact

import "bytes"

// place is what the members above say about the values below.
type place struct {
	env       bool // members are variables, named by the user
	args      bool // strings are command-line arguments
	secret    bool // a Kubernetes Secret: its data are secrets
	configMap bool // a ConfigMap: its data are variables or files
	hidden    bool // every string below is a secret
	digests   bool // every string below is a digest of a value that was withheld
	encoded   bool // strings are base64 scripts
	script    bool // strings may be scripts
	custom    bool // a Kubernetes object of a kind that its user brought along
	auth      bool // below a member called auth or the like, of such an object
	shared    bool // values of a condition on what the caller himself says of himself
}

// apiSecrets are members of providers' own replies that hold a secret.
var apiSecrets = map[string]string{
	"SecretAccessKey": "aws-secret-access-key", "SessionToken": "token", "SecretString": "secret", "SecretBinary": "secret", "MasterUserPassword": "password",
	"ClientSecret": "secret", "AuthToken": "token", "PrivateKey": "private-key", "KeyMaterial": "private-key", "client-key-data": "private-key",
	"PlaintextKey": "secret", "ServicePassword": "password", "BindPassword": "password",
}

// member says what a member's name means for the values in it.
func (p place) member(key []byte) place {
	if bytes.EqualFold(key, []byte("aws:Referer")) || bytes.EqualFold(key, []byte("aws:UserAgent")) {
		p.shared = true
	}
	if p.custom && !p.auth {
		p.auth = weakly(key) || nameKind(key) != ""
	}
	switch string(key) {
	case "annotations":
		p.hidden = p.hidden || p.secret
	case "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid":
		// Among a Secret's annotations: whose token it holds, which is a name. No
		// key of its data can be called so.
		p.hidden = false
	case "options", "dockerLabels":
		p.env = true
	case "Variables", "Environment", "environment", "EnvironmentVariables", "environmentVariables", "RuntimeEnvironmentVariables", "env", "Env", "env_vars",
		"envVars", "runtime_env", "DefaultArguments", "NonOverridableArguments", "Arguments", "HyperParameters", "StaticHyperParameters", "hyperParameters",
		"ConnectionProperties", "Parameters", "parameters", "ParameterOverrides":
		p.env, p.script = true, true
	case "command", "args", "Command", "Args", "ContainerArguments", "ContainerEntrypoint", "entryPoint", "EntryPoint", "entrypoint", "jobDriver", "SparkSubmitParameters":
		p.args = true
	case "UserData", "userData", "OnCreate", "OnStart":
		p.encoded, p.script = true, true
	case "TemplateBody", "Definition", "definition", "buildspec", "script", "Script":
		p.script = true
	case "valueDigests":
		p.digests = p.digests || p.configMap
	case "stringData":
		p.hidden = p.hidden || p.secret
	case "data", "binaryData":
		p.hidden = p.hidden || p.secret
		if p.configMap {
			p.env, p.script = true, true
		}
	}
	return p
}
