package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

var testKey = []byte("a key of the tests")

// The secrets below are invented; they are put together here so that no
// scanner takes this file for a leak.
var (
	awsSecret = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzEXAMPL3KEY"[:18]
	awsID     = "AKIA" + "IOSFODNN7EXAMPLE"
	github    = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
	gitlab    = "glpat-" + "x7Kq2mWvB9tR4pLsN1cD"
	slack     = "xoxb-" + "263594206564-2343594206574-FGqddMF8t08v8N7Oq4i57vs1"
	openai    = "sk-" + "T3BlbkFJ9aXq2LmZ7Yw4cR8vN1pQ6sT0"
	openaiNew = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"
	anthropic = "sk-ant-" + "api03-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7-xyz"
	hf        = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"
	google    = "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"
	stripe    = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
	jwtToken  = b64url(`{"alg":"HS256","typ":"JWT"}`) + "." + b64url(`{"sub":"1234567890"}`) + ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
	pemKey    = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\n-----END RSA PRIVATE KEY-----"
	azureConn = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=" + "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4QUJDREVGRw=="
)

func b64url(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
func b64std(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func config(t testing.TB, typ, text string) string {
	t.Helper()
	out, err := Config(typ, json.RawMessage(text), testKey)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(out) {
		t.Fatalf("not JSON any more: %s", out)
	}
	return string(out)
}

// js quotes a string.
func js(s string) string { b, _ := json.Marshal(s); return string(b) }

// TestPlantedSecretsNeverReachTheSink: a canary in every place a secret hides.
func TestPlantedSecretsNeverReachTheSink(t *testing.T) {
	const c = "Canary-4f9Zq7Lm2" // a literal that only its name gives away
	lastApplied := fmt.Sprintf(`{"kind":"Pod","spec":{"containers":[{"env":[{"name":"API_KEY","value":"%s"}]}]}}`, c)
	secretApplied := fmt.Sprintf(`{"apiVersion":"v1","data":{"x":"%s"},"kind":"Secret"}`, c)
	for name, tc := range map[string]struct{ typ, text, canary, kind string }{
		"lambda":           {"AWS::Lambda::Function", `{"Environment":{"Variables":{"DB_PASSWORD":"` + c + `"}}}`, c, "password"},
		"camel":            {"AWS::Lambda::Function", `{"Environment":{"Variables":{"dbPassword":"` + c + `"}}}`, c, "password"},
		"sagemaker":        {"", `{"ProductionVariants":[{"Environment":{"HF_TOKEN":"` + c + `"}}]}`, c, "token"},
		"hyper":            {"", `{"HyperParameters":{"wandb_api_key":"` + c + `"}}`, c, "api-key"},
		"ecs":              {"", `{"containerDefinitions":[{"environment":[{"name":"SECRET_KEY","value":"` + c + `"}]}]}`, c, "secret"},
		"ecsOrder":         {"", `{"environment":[{"value":"` + c + `","x":{"y":["z"]},"name":"SECRET_KEY"}]}`, c, "secret"},
		"batch":            {"", `{"container":{"environment":[{"name":"AWS_SECRET_ACCESS_KEY","value":"` + c + `"}],"command":["run"]}}`, c, "secret"},
		"glue":             {"", `{"DefaultArguments":{"--db_password":"` + c + `","--job-language":"python"}}`, c, "password"},
		"glueConn":         {"", `{"ConnectionProperties":{"PASSWORD":"` + c + `","USERNAME":"u"}}`, c, "password"},
		"cfn":              {"", `{"Parameters":[{"ParameterKey":"MasterPassword","ParameterValue":"` + c + `"}]}`, c, "password"},
		"codebuild":        {"", `{"environment":{"environmentVariables":[{"name":"NPM_TOKEN","value":"` + c + `","type":"PLAINTEXT"}]}}`, c, "token"},
		"tag":              {"", `{"Tags":[{"Key":"password","Value":"` + c + `"}]}`, c, "password"},
		"podEnv":           {"v1/Pod", `{"spec":{"containers":[{"env":[{"name":"OPENAI_API_KEY","value":"` + c + `"}]}]}}`, c, "api-key"},
		"podArgs":          {"v1/Pod", `{"spec":{"containers":[{"args":["--model","x","--api-key=` + c + `"]}]}}`, c, "api-key"},
		"podArgsApart":     {"v1/Pod", `{"spec":{"containers":[{"args":["--api-key","` + c + `","--model","x"]}]}}`, c, "api-key"},
		"podShell":         {"v1/Pod", `{"spec":{"containers":[{"command":["sh","-c","export HF_TOKEN=` + c + ` && vllm serve m --api-key ` + c + `"]}]}}`, c, "token"},
		"jupyter":          {"v1/Pod", `{"spec":{"containers":[{"args":["--NotebookApp.token='` + c + `'"]}]}}`, c, "token"},
		"lastApplied":      {"v1/Pod", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":` + js(lastApplied) + `}}}`, c, "api-key"},
		"lastAppliedOfKey": {"v1/Pod", `{"metadata":{"annotations":{"x":` + js(secretApplied) + `}}}`, c, "secret"},
		"secret":           {"v1/Secret", `{"apiVersion":"v1","data":{"any":"` + c + `"},"kind":"Secret","stringData":{"b":"` + c + `"}}`, c, "secret"},
		"configMap":        {"v1/ConfigMap", `{"data":{"token":"` + c + `","app.ini":"host = x\npassword = ` + c + `\n","a.yaml":"db:\n  api_key: \"` + c + `\"\n"}}`, c, "token"},
		"userData":         {"", `{"UserData":"` + b64std("#!/bin/bash\nexport DB_PASSWORD="+c+"\n") + `"}`, b64std("#!/bin/bash\nexport DB_PASSWORD=" + c + "\n"), "user-data"},
		"userDataValue":    {"", `{"DescribeInstanceAttribute":{"UserData":{"Value":"` + b64std("#!/bin/sh\ncurl -H x "+github) + `"}}}`, b64std("#!/bin/sh\ncurl -H x " + github), "user-data"},
		"lifecycle":        {"", `{"OnStart":[{"Content":"` + b64std("pip config set token: \""+c+"\"") + `"}]}`, b64std("pip config set token: \"" + c + "\""), "user-data"},
		"stateMachine":     {"", `{"definition":` + js(`{"States":{"A":{"Parameters":{"Environment":[{"Name":"DB_PASSWORD","Value":"`+c+`"}]}}}}`) + `}`, c, "password"},
		"cognito":          {"", `{"UserPoolClient":{"ClientSecret":"` + c + `"}}`, c, "secret"},
		"escaped":          {"", `{"Environment":{"Variables":{"DB_PASSWORD":"a\"` + c + `\n"}}}`, c, "password"},
		"ghp":              {"", `{"x":"` + github + `"}`, github, "github-token"},
		"gitlab":           {"", `{"x":"see ` + gitlab + ` there"}`, gitlab, "gitlab-token"},
		"slack":            {"", `{"x":["` + slack + `"]}`, slack, "slack-token"},
		"openai":           {"", `{"x":"` + openai + `"}`, openai, "openai-key"},
		"openaiNew":        {"", `{"x":"` + openaiNew + `"}`, openaiNew, "openai-key"},
		"anthropic":        {"", `{"x":"` + anthropic + `"}`, anthropic, "anthropic-key"},
		"hf":               {"", `{"x":"` + hf + `"}`, hf, "huggingface-token"},
		"google":           {"", `{"x":"` + google + `"}`, google, "google-api-key"},
		"stripe":           {"", `{"x":"` + stripe + `"}`, stripe, "stripe-key"},
		"jwt":              {"", `{"x":"Bearer ` + jwtToken + `"}`, jwtToken, "jwt"},
		"pem":              {"", `{"x":` + js(pemKey) + `}`, "MIIEpAIBAAKCAQEA7bq", "private-key"},
		"url":              {"", `{"x":"postgres://app:` + c + `@db.internal:5432/x"}`, c, "url-password"},
		"azure":            {"", `{"x":"` + azureConn + `"}`, "Zm9vYmFyYmF6", "api-key"},
		"jdbc":             {"", `{"x":"jdbc:sqlserver://h:1433;user=sa;password=` + c + `"}`, c, "password"},
		"query":            {"", `{"x":"https://h.example/hook?access_token=` + c + `"}`, c, "token"},
		"basicAuth":        {"", `{"Environment":{"Variables":{"AUTH":"Basic ` + b64std("user:"+c) + `"}}}`, b64std("user:" + c)[:16], "credential"},
		"passPhrase":       {"", `{"Environment":{"Variables":{"PASS_PHRASE_1":"` + c + `"}}}`, c, "password"},
		"splunkToken":      {"", `{"logConfiguration":{"logDriver":"splunk","options":{"splunk-token":"` + c + `"}}}`, c, "token"},
		"splunkHeader":     {"", `{"logConfiguration":{"options":{"header":"Authorization Splunk ` + c + `"}}}`, c, "token"},
		"dockerLabel":      {"", `{"containerDefinitions":[{"dockerLabels":{"auth":"` + c + `"}}]}`, c, "credential"},
		"healthCurl":       {"", `{"healthCheck":{"command":["CMD-SHELL","curl -f -u admin:` + c + ` http://localhost/ || exit 1"]}}`, c, "password"},
		"healthCurlApart":  {"", `{"healthCheck":{"command":["CMD","/usr/bin/curl","-u","admin:` + c + `","http://localhost/"]}}`, c, "password"},
		"mysqlGlued":       {"", `{"command":["mysqladmin","ping","-uroot","-p` + c + `"]}`, c, "password"},
		"mysqlShell":       {"v1/Pod", `{"command":["sh","-c","mysql -h db -p` + c + ` -e 'select 1'"]}`, c, "password"},
		"requirePass":      {"", `{"environment":[{"name":"REDIS_ARGS","value":"--requirepass ` + c + `"}]}`, c, "password"},
		"requirePassMap":   {"", `{"Environment":{"Variables":{"REDIS_ARGS":"--port 1 --requirepass ` + c + `"}}}`, c, "password"},
		"glueConf":         {"", `{"DefaultArguments":{"--conf":"spark.hadoop.fs.s3a.secret.key=` + c + ` --conf spark.x=1"}}`, c, "secret"},
		"glueExtra":        {"", `{"DefaultArguments":{"--extra":"user=a password=` + c + `"}}`, c, "password"},
		"stepFunctions":    {"", `{"definition":` + js(`{"States":{"A":{"Parameters":{"Url":"x","Body":"token=`+c+`"}}}}`) + `}`, c, "token"},
		"failureReason":    {"", `{"FailureReason":"cannot connect with password=` + c + ` to db"}`, c, "password"},
		"redisCli":         {"v1/Pod", `{"livenessProbe":{"exec":{"command":["redis-cli","-a","` + c + `","ping"]}}}`, c, "password"},
		"redisCliShell":    {"v1/Pod", `{"livenessProbe":{"exec":{"command":["sh","-c","redis-cli -a ` + c + ` ping"]}}}`, c, "password"},
		"customPassword":   {"acme.example/v1/Database", `{"spec":{"dbPassword":"changeme"}}`, "changeme", "password"},
		"customAuth":       {"acme.example/v1/Database", `{"spec":{"auth":{"value":"` + c + `"}}}`, c, "secret"},
		"annotation":       {"v1/Service", `{"metadata":{"annotations":{"note":"the password is ` + c + `, do not tell"}}}`, c, "password"},
		"annotationColon":  {"v1/Service", `{"metadata":{"annotations":{"note":"admin password: ` + c + `"}}}`, c, "password"},
		"ofASecret":        {"v1/Secret", `{"kind":"Secret","metadata":{"annotations":{"note":"` + c + `"}}}`, c, "secret"},
		"besideItsAccount": {"v1/Secret", `{"kind":"Secret","metadata":{"annotations":{"kubernetes.io/service-account.name":"boss","note":"` + c + `"}},"data":{"service-account.name":"boss"}}`, c, "secret"},
		"referer":          {"", `{"Policy":{"Statement":[{"Condition":{"StringEquals":{"aws:Referer":"` + c + `"}}}]}}`, c, "shared-secret"},
		"refererList":      {"", `{"Policy":"{\"Statement\":[{\"Condition\":{\"StringLike\":{\"AWS:UserAgent\":[\"` + c + `\"]}}}]}"}`, c, "shared-secret"},
		"awsPair":          {"", `{"x":"[default] ` + awsID + ` ` + awsSecret + `"}`, awsSecret, "aws-secret-access-key"},
	} {
		t.Run(name, func(t *testing.T) {
			got := config(t, tc.typ, tc.text)
			if strings.Contains(got, tc.canary) {
				t.Errorf("the canary passed: %s", got)
			}
			if !strings.Contains(got, Prefix+tc.kind+",") {
				t.Errorf("no mask of kind %s: %s", tc.kind, got)
			}
		})
	}
}

// TestNearMissesStay: values and names that look like secrets and are not.
func TestNearMissesStay(t *testing.T) {
	for _, text := range []string{
		`{"Environment":{"Variables":{"TOKEN_URL":"https://idp.example/token","MAX_TOKENS":"4096","TOKENIZER":"bert-base","TOKENIZERS_PARALLELISM":"false"}}}`,
		`{"Environment":{"Variables":{"SECRET_ARN":"x1y2z3w4","SECRET_NAME":"harbour-db","PASSWORD_FILE":"/run/x","PASSWORD_LENGTH":"24","USE_TOKEN":"abc1"}}}`,
		`{"Environment":{"Variables":{"DB_PASSWORD":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf","API_KEY":"{{resolve:secretsmanager:x}}"}}}`,
		`{"Environment":{"Variables":{"DB_PASSWORD":"${DB_PASSWORD}","T_TOKEN":"$(TOKEN)","A_SECRET":"ssm:/x/y","B_SECRET":"prod/db/password","C_TOKEN":"/var/run/secrets/token"}}}`,
		`{"Environment":{"Variables":{"API_KEY":"","DB_PASSWORD":"true","SECRET":"****","X_TOKEN":"none","token":"4096"}}}`,
		`{"Environment":{"Variables":{"COMPASS":"north","PASSENGERS":"12","KEYBOARD":"us","SECRETARY":"ann","PATTERN":"abcd","MONKEY":"chimp","AUTHOR":"bob","STOKEN_RING":"1"}}}`,
		`{"NextToken":"eyJOZXh0VG9rZW4iOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAxfQ==","ClientRequestToken":"a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"}`,
		`{"AccessKeyMetadata":[{"UserName":"ci","AccessKeyId":"` + awsID + `","Status":"Active"}]}`,
		`{"PasswordPolicy":{"MinimumPasswordLength":14},"PasswordLastUsed":"2026-01-01","AccessTokenValidity":60}`,
		`{"Arn":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/token-AbCdEf","Id":"2f1b3c4d-1a2b-3c4d-5e6f-7a8b9c0d1e2f"}`,
		`{"ImageDigest":"sha256:9b2a1c0d4e5f67890123456789abcdef0123456789abcdef0123456789abcdef","CodeSha256":"x3JGxV2mQ0mZ1bJrKqk6v0m6xH6lJr3qfD9l1Jt8o0I="}`,
		`{"certificateAuthority":{"data":"` + b64std("-----BEGIN CERTIFICATE-----\nMIIC5zCCAc+gAwIBAgIBADANBgkqhkiG9w0BAQsFADAVMRMwEQYDVQQD\n-----END CERTIFICATE-----") + `"}}`,
		`{"x":"-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----","y":"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"}`,
		`{"url":"https://user@host.example/x","git":"ssh://git@host:22/x","image":"registry:5000/team/app:1.2","u2":"https://host/?token_type=bearer","u3":"http://${U}:${P}@h/"}`,
		`{"spec":{"containers":[{"args":["--NotebookApp.token=''","--ServerApp.password=","--max-tokens","4096","--tokenizer","meta/llama","--token-budget=8000"]}]}}`,
		`{"env":[{"name":"API_KEY","valueFrom":{"secretKeyRef":{"name":"openai","key":"api-key"}}}]}`,
		`{"environmentVariables":[{"name":"DB_PASSWORD","value":"db-password-param","type":"PARAMETER_STORE"}]}`,
		`{"UserData":"` + b64std("#!/bin/bash\nyum update -y\naws secretsmanager get-secret-value --secret-id x\nTOKEN=$(curl -X PUT http://169.254.169.254/latest/api/token)\n") + `"}`,
		`{"GetCredentialReport":{"Content":"` + b64std("user,arn,password_enabled\nroot,arn:aws:iam::111122223333:root,true\n") + `"}}`,
		`{"Policy":"{\"Statement\":[{\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}]}"}`,
		`{"a":"sk-learn-1.4","b":"hf_model","c":"ghp_short","d":"task-manager-proj","e":"sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","f":"AIzaShort"}`,
		`{"Name":"token-bucket-size","Value":"15"}`,
		`{"kind":"Secret","metadata":{"annotations":{"kubernetes.io/service-account.name":"boss","kubernetes.io/service-account.uid":"5f0c1a2b-1111-4222-8333-444455556666"}},"type":"kubernetes.io/service-account-token"}`,
		`{"annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::111122223333:role/x","prometheus.io/scrape":"true"}}`,
		`{"x":"sevenfold:masked(password,8,deadbeef)","Environment":{"Variables":{"PASSWORD":"sevenfold:masked(password,8,deadbeef)"}}}`,
		`{"Condition":{"StringLike":{"aws:Referer":["https://www.example.com/*","*"],"aws:UserAgent":"Amazon CloudFront","aws:SourceVpce":"vpce-0a1b2c3d"}}}`,
		`{"Environment":{"Variables":{"AUTH":"oidc","AUTH_MODE":"basic","AUTH_TYPE":"Basic","APP_AUTH":"aws_iam","HEADER":"Basic auth","X":"Bearer token"}}}`,
		`{"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/x1","awslogs-region":"eu-west-1","awslogs-stream-prefix":"x"}}}`,
		`{"command":["docker","run","-u","1000:1000","-p","8080:80"],"args":["--port","8080","-p","9090"]}`,
		`{"command":["sh","-c","curl -f -u $USER:$PASS http://localhost/ && mysql -p -h db && redis-cli -a \"$REDIS_PASSWORD\" ping && ssh -p 2222 host"]}`,
		`{"command":["curl","-u","admin:${PASSWORD}","http://x/"],"x":["redis-cli","-a","$(PASS)","ping"]}`,
		`{"FailureReason":"token=expired: the password is wrong; the token is invalid, password: required","why":"secret is missing"}`,
		`{"DefaultArguments":{"--conf":"spark.executor.memory=4g --conf spark.sql.shuffle.partitions=200","--x":"key=value tokens=12 max_tokens=4096"}}`,
		`{"Description":"rotates the token: see docs/token2.md; the secret is kept in vault-1"}`,
		`{}`, `[]`, `{"a":[]}`, `"x"`,
	} {
		in := json.RawMessage(text)
		out, err := Config("", in, testKey)
		if err != nil {
			t.Fatal(err)
		}
		if string(out) != text {
			t.Errorf("changed\n %s\n %s", text, out)
		} else if len(out) > 0 && &out[0] != &in[0] {
			t.Errorf("copied though nothing is secret: %s", text)
		}
	}
}

// TestCustomObjectsKeepWhatNamesASecret: a member that names the object that
// holds a secret is what joins the two.
func TestCustomObjectsKeepWhatNamesASecret(t *testing.T) {
	for _, text := range []string{
		`{"spec":{"passwordSecretName":"db-2","existingSecret":"redis-auth-01","auth":{"value":"oidc","type":"token"},"tokenRef":{"name":"x"},"secretKey":"password"}}`,
		`{"spec":{"passwordKey":"password","credentials":"aws-creds","secretStoreRef":{"name":"vault"},"data":[{"secretKey":"DB_PASSWORD","remoteRef":{"key":"prod/db"}}]}}`,
	} {
		if got := config(t, "acme.example/v1/Database", text); got != text {
			t.Errorf("changed\n %s\n %s", text, got)
		}
	}
	for _, typ := range []string{"v1/Pod", "apps/v1/Deployment", "rbac.authorization.k8s.io/v1/Role", "AWS::S3::Bucket"} {
		if text := `{"spec":{"dbPassword":"changeme"}}`; config(t, typ, text) != text {
			t.Errorf("%s: changed", typ)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"DB_PASSWORD": "password", "db-password": "password", "dbPassword": "password", "DBPassword": "password", "--db_password": "password", "PGPASSWORD": "password",
		"OPENAI_API_KEY": "api-key", "openaiApiKey": "api-key", "HF_TOKEN": "token", "AWS_SECRET_ACCESS_KEY": "secret", "client_secret": "secret", "PRIVATE_KEY": "private-key",
		"WANDB_KEY": "api-key", "STORAGE_ACCOUNT_KEY": "api-key", "GITHUB_PAT": "token", "DB_PASS": "password", "JWT_SECRET": "secret", "MLFLOW_TRACKING_PASSWORD": "password",
		"MAX_TOKENS": "", "TOKENIZER": "", "TOKEN_URL": "", "tokens": "", "PRIMARY_KEY": "", "KEY": "", "PARTITION_KEY": "", "SECRET_ARN": "", "PASS_THROUGH": "",
		"AWS_ACCESS_KEY_ID": "", "PASSWORD_MIN_LENGTH": "", "num_tokens_per_step": "", "COMPASS": "", "bypass": "", "path": "", "PUBLIC_KEY": "", "KMS_KEY_ID": "", "pad_token": "",
		"": "", "x": "", "日本": "",
	} {
		if got := nameKind(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestTheMaskIsStableAndKeyed(t *testing.T) {
	text := `{"Environment":{"Variables":{"A_TOKEN":"abcdefgh1","B_TOKEN":"abcdefgh1","C_TOKEN":"abcdefgh2"}}}`
	got := config(t, "", text)
	if got != config(t, "", text) {
		t.Error("two runs differ")
	}
	shape := regexp.MustCompile(`sevenfold:masked\(token,9,[0-9a-f]{8}\)`)
	masks := shape.FindAllString(got, -1)
	if len(masks) != 3 || masks[0] != masks[1] || masks[0] == masks[2] {
		t.Errorf("masks %v", masks)
	}
	other, _ := Config("", json.RawMessage(text), []byte("another key"))
	if strings.Contains(string(other), masks[0]) {
		t.Error("the key does not matter")
	}
	none, _ := Config("", json.RawMessage(text), nil)
	if !strings.Contains(string(none), `"sevenfold:masked(token,9)"`) {
		t.Error(string(none))
	}
	if again := config(t, "", got); again != got {
		t.Errorf("masking a mask: %s", again)
	}
}

func TestTextsKeepTheirOtherWords(t *testing.T) {
	got := config(t, "v1/Pod", `{"args":["--host=h --api-key=Zx81-Spectrum --model=m"]}`)
	if want := regexp.MustCompile(`^\{"args":\["--host=h --api-key=sevenfold:masked\(api-key,13,[0-9a-f]{8}\) --model=m"\]\}$`); !want.MatchString(got) {
		t.Error(got)
	}
}

type memory struct {
	assets []estate.Asset
	blind  []estate.BlindSpot
	other  int
}

func (m *memory) Asset(a estate.Asset)         { m.assets = append(m.assets, a) }
func (m *memory) BlindSpot(b estate.BlindSpot) { m.blind = append(m.blind, b) }
func (m *memory) Covered(estate.Coverage)      { m.other++ }
func (m *memory) Called(string)                { m.other++ }

func TestSink(t *testing.T) {
	var m memory
	s := New(&m, Options{Key: testKey})
	tags := map[string]string{"app": "eta", "password": "Hunter-22", "note": "uses " + github}
	reads := []estate.Read{{Why: "fine"}, {Why: "bad " + hf}, {Why: "also " + slack}}
	s.Asset(estate.Asset{ID: "a", Config: json.RawMessage(`{"x":"` + stripe + `"}`), Tags: tags, Reads: reads})
	s.Asset(estate.Asset{ID: "b", Config: json.RawMessage(`{"x":`)})
	s.BlindSpot(estate.BlindSpot{Why: "token " + jwtToken})
	s.Covered(estate.Coverage{})
	s.Called("x")
	all := fmt.Sprintf("%s %+v %+v", m.assets[0].Config, m.assets, m.blind)
	for _, secret := range []string{stripe, "Hunter-22", github, hf, slack, jwtToken} {
		if strings.Contains(all, secret) {
			t.Errorf("%s passed", secret)
		}
	}
	if tags["password"] != "Hunter-22" || reads[1].Why != "bad "+hf {
		t.Error("the caller's own values were changed")
	}
	if m.assets[0].Tags["app"] != "eta" || m.other != 2 || len(m.blind) != 2 || m.assets[1].Config != nil {
		t.Errorf("%+v", m)
	}
}

// FuzzConfig: the output is JSON of the same shape, equal but for strings that
// are masked, and masking again changes nothing.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{"Environment":{"Variables":{"DB_PASSWORD":"x1y2z3"}}}`, `{"args":["--token","abc1","--x='y'"]}`, `{"a":"{\"env\":[{\"name\":\"A_KEY\",\"value\":\"b\"}]}"}`,
		`[{"name":"API_KEY","value":"\u0041\n"}]`, `{"data":{"a":"b"},"UserData":"IyEvYmluL3NoCmV4cG9ydCBEQl9QQVNTV09SRD1odW50ZXIyMgo="}`, `{"x":"a://b:c@d"}`,
		`{"value":"p","name":"password","value":"q"}`, `{"command":["sh -c 'TOKEN=abcd1234 x'"]}`,
	} {
		f.Add([]byte(seed), "v1/ConfigMap")
		f.Add([]byte(seed), "v1/Secret")
	}
	f.Fuzz(func(t *testing.T, text []byte, typ string) {
		if !json.Valid(text) {
			_, _ = Config(typ, text, testKey)
			return
		}
		before := bytes.Clone(text)
		out, err := Config(typ, text, testKey)
		if err != nil {
			t.Fatalf("refused JSON %q", text)
		}
		if !bytes.Equal(before, text) {
			t.Fatal("the input was changed")
		}
		var a, b any
		_ = exact(text, &a)
		if err := exact(out, &b); err != nil {
			t.Fatalf("%q became %q", text, out)
		}
		if diff := unmaskedDifference(a, b); diff != "" {
			t.Fatalf("%q became %q: %s", text, out, diff)
		}
	})
}

// exact decodes without making numbers doubles.
func exact(text []byte, v *any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode(v)
}

func unmaskedDifference(a, b any) string {
	switch a := a.(type) {
	case map[string]any:
		bm, ok := b.(map[string]any)
		if !ok || len(a) != len(bm) {
			return cmp.Diff(any(a), b)
		}
		for k := range a {
			if d := unmaskedDifference(a[k], bm[k]); d != "" {
				return d
			}
		}
		return ""
	case []any:
		bl, ok := b.([]any)
		if !ok || len(a) != len(bl) {
			return cmp.Diff(any(a), b)
		}
		for i := range a {
			if d := unmaskedDifference(a[i], bl[i]); d != "" {
				return d
			}
		}
		return ""
	case string:
		if s, ok := b.(string); ok && (s == a || strings.Contains(s, Prefix)) {
			return ""
		}
		return fmt.Sprintf("%q became %v", a, b)
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Sprintf("%v became %v", a, b)
	}
	return ""
}

// ordinary is a configuration without secrets, as most are.
func ordinary() []byte {
	one := `{"FunctionName":"eta-scorer","FunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:eta-scorer","Runtime":"python3.13","Role":"arn:aws:iam::111122223333:role/eta-scorer",` +
		`"Handler":"app.handler","CodeSize":1234567,"Timeout":30,"MemorySize":512,"LastModified":"2026-11-01T10:00:00.000+0000","CodeSha256":"x3JGxV2mQ0mZ1bJrKqk6v0m6xH6lJr3qfD9l1Jt8o0I=",` +
		`"Environment":{"Variables":{"STAGE":"prod","MODEL":"eta-v3","MAX_TOKENS":"4096","DB_SECRET_ARN":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"}},` +
		`"TracingConfig":{"Mode":"PassThrough"},"Tags":[{"Key":"app","Value":"eta"},{"Key":"owner","Value":"ml-platform@harbour.example"}],` +
		`"GetPolicy":{"Policy":{"Version":"2012-10-17","Statement":[{"Sid":"invoke","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"*"}]}}}`
	return []byte(one)
}

func TestNothingIsAllocatedWhenNothingIsSecret(t *testing.T) {
	text, m := ordinary(), new(masker)
	_, _ = m.document(text, place{})
	if n := testing.AllocsPerRun(100, func() { _, _ = m.document(text, place{}) }); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkOrdinary(b *testing.B) {
	text := ordinary()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Config("AWS::Lambda::Function", text, testKey)
	}
}

// TestHostileTextsTakeTheirLengthInTime: twice the text takes about twice the
// steps; what a finder reads again and again would show as minutes here.
func TestHostileTextsTakeTheirLengthInTime(t *testing.T) {
	for _, unit := range []string{
		"password=", "token='", `a_token="`, "password is ", "x: ", "password: ", "Basic ", "Authorization: Bearer ", "curl -u ", "mysql -p", "-a ", "a.b.c.d=", "=", " is ", "redis-cli -a a:b ",
	} {
		text := strings.Repeat(unit, race.Size(4<<20, 1<<17)/len(unit))
		for _, script := range []bool{false, true} {
			_, _ = maskForms([]byte(text), nil, script)
		}
	}
}

// The digest of a withheld value tells nothing without the key, and one value from
// another with it.
func TestDigestsAreKeyed(t *testing.T) {
	config := func(d string) []byte {
		return []byte(`{"kind":"ConfigMap","data":{"t":null},"valueDigests":{"data":{"t":"` + d + `"}}}`)
	}
	mask := func(d, key string) string {
		out, err := Config("v1/ConfigMap", config(d), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	one := mask("sha256:aa", "k")
	if strings.Contains(one, "sha256:aa") || !strings.Contains(one, `"t":"sevenfold:masked(value,9,`) {
		t.Errorf("got %s", one)
	}
	if one != mask("sha256:aa", "k") || one == mask("sha256:ab", "k") || one == mask("sha256:aa", "l") {
		t.Error("a digest is not told by value and key")
	}
	if again, err := Config("v1/ConfigMap", []byte(one), []byte("k")); err != nil || string(again) != one {
		t.Errorf("masked again: %s, %v", again, err)
	}
	if out, err := Config("v1/Pod", config("sha256:aa"), nil); err != nil || !strings.Contains(string(out), "sha256:aa") {
		t.Errorf("of another type: %s, %v", out, err)
	}
}
