package expr

import "testing"

func TestProgramFacts(t *testing.T) {
	pod := func(c string) string { return `{"kind":"Pod","spec":{"containers":[` + c + `]}}` }
	const env = `{"env":[{"name":"A","value":"1"},{"name":"A","value":"2"},{"name":"E"},{"name":"E2","value":""},{"name":"F","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}},{"name":"N","value":7}]}`
	const sets = `{"env":[{"name":"A","value":"1"}],"envFrom":[{"secretRef":{"name":"s"}}]}`
	for _, c := range []struct{ source, container, want string }{
		{`programs(c)`, `{"image":"registry.example:5000/vllm/vllm-openai:v0.11@sha256:0"}`, `["vllm-openai"]`},
		{`programs(c)`, `{"image":"redis","command":["/usr/bin/tini","--","redis-server","--port","6379"]}`, `["redis","tini","redis-server"]`},
		{`programs(c)`, `{"command":["python3","-m","vllm.entrypoints.openai.api_server","--model","org/ollama"]}`, `["python3","vllm.entrypoints.openai.api_server","vllm"]`},
		{`programs(c)`, `{"command":["sh","-c","exec /opt/bin/llama-server --host 0.0.0.0"]}`, `["sh","exec","llama-server"]`},
		{`programs(c)`, `{"command":["curl","http://host/ollama"],"args":["--backend=x","vllm","--name","triton"]}`, `["curl","vllm"]`},
		{`programs(c)`, `{}`, `[]`},
		{`programs(c)`, `{"image":7}`, `cannot be told: image is a int, not a string`},
		{`variable(c, "A")`, env, `2`},
		{`variable(c, "E")`, env, ``},
		{`variable(c, "B")`, env, `not set`},
		{`variable(c, "F")`, env, `cannot be told: the value of F is taken from elsewhere, which is not read`},
		{`variable(c, "N")`, env, `cannot be told: value is a int, not a string`},
		{`variable(c, "A")`, sets, `1`},
		{`variable(c, "B")`, sets, `cannot be told: B may stand in a Secret or ConfigMap under envFrom, whose values are not read; set it under env to show it`},
		{`given(c, "A") && given(c, "F") && !given(c, "E") && !given(c, "E2") && !given(c, "B")`, env, `true`},
		{`given(c, "B")`, sets, `cannot be told: B may stand in a Secret or ConfigMap under envFrom, whose values are not read; set it under env to show it`},
		{`given(c, "B") && false`, sets, `false`},
		{`flag(c, "--ServerApp.allow_origin")`, `{"args":["--ServerApp.allow_origin=*"]}`, `*`},
	} {
		if got := value(t, `containers(config).map(c, `+c.source+`)[0]`, pod(c.container)); got != c.want {
			t.Errorf("%s of %s: got %s, want %s", c.source, c.container, got, c.want)
		}
	}
}
