package parts

import (
	"encoding/xml"
	"strings"

	"go.yaml.in/yaml/v3"
)

// gateways reads the configurations of AI gateways: which service each route leads
// to, how it signs in there, and what it limits.
func (f *file) gateways(doc *yaml.Node) {
	root := doc
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	if list := child(root, "model_list"); list != nil {
		f.liteLLM(root, list)
	}
	if strings.HasPrefix(text(child(root, "apiVersion")), "aigateway.envoyproxy.io/") || strings.HasPrefix(text(child(root, "apiVersion")), "gateway.envoyproxy.io/") {
		f.envoy(root)
	}
	if text(child(root, "_format_version")) != "" || text(child(root, "kind")) == "KongPlugin" || text(child(root, "kind")) == "KongClusterPlugin" {
		f.kong(root)
	}
}

// liteLLM reads the proxy's config.yaml. Source: docs.litellm.ai/docs/proxy/configs.
func (f *file) liteLLM(root, list *yaml.Node) {
	for _, entry := range list.Content {
		params := child(entry, "litellm_params")
		model := text(child(params, "model"))
		if model == "" {
			continue
		}
		provider, name, ok := strings.Cut(model, "/")
		if !ok {
			provider, name = "openai", model
		}
		host, vendor := "", provider
		for _, v := range vendors {
			if strings.EqualFold(v.id, provider) {
				host, vendor = v.host, v.name
			}
		}
		if base := text(child(params, "api_base")); base != "" && !strings.HasPrefix(base, "os.environ/") {
			host = firstOf(hostOf(base), host)
			if strings.HasPrefix(base, "http://") && !loopback(host) {
				f.notice("service-without-tls", High, entry.Line, host, "CWE-319", "%s is called without TLS", host)
			}
		}
		host = firstOf(host, vendor+" (address set at run time)")
		facts := map[string]string{"vendor": vendor, "by": "LiteLLM"}
		switch key := text(child(params, "api_key")); {
		case strings.HasPrefix(key, "os.environ/"):
			facts["authentication"] = "key"
		case key != "":
			facts["authentication"] = "key"
			f.notice("key-in-source", Critical, entry.Line, host, "CWE-798", "a key of %s stands in the configuration (%d characters, not shown)", vendor, len(key))
		}
		if r := text(child(params, "aws_region_name")); r != "" {
			facts["region"], facts["authentication"] = r, "iam"
			if host == "bedrock-runtime.amazonaws.com" {
				host = bedrockHost(r)
			}
		}
		for _, k := range []string{"rpm", "tpm", "max_parallel_requests"} {
			if v := text(child(params, k)); v != "" {
				facts[k] = v
			}
		}
		f.add(Part{Kind: Service, Name: host, Facts: facts}, entry.Line)
		f.add(Part{Kind: Model, Ecosystem: vendor, Name: name, Pinned: dated.MatchString(name), Facts: map[string]string{"by": "LiteLLM", "host": host, "vendor": vendor}}, entry.Line)
	}
	if key := text(child(child(root, "general_settings"), "master_key")); key == "" {
		f.notice("gateway-without-key", High, root.Line, "LiteLLM", "CWE-306", "no master_key is set: whoever reaches the gateway spends its keys")
	} else if !strings.HasPrefix(key, "os.environ/") {
		f.notice("key-in-source", Critical, root.Line, "LiteLLM", "CWE-798", "the gateway's master key stands in the configuration (%d characters, not shown)", len(key))
	}
}

// envoy reads resources of Envoy AI Gateway. Source: aigateway.envoyproxy.io/docs/api.
func (f *file) envoy(root *yaml.Node) {
	spec, name := child(root, "spec"), text(child(child(root, "metadata"), "name"))
	switch text(child(root, "kind")) {
	case "Backend":
		eps := child(spec, "endpoints")
		if eps == nil {
			return
		}
		for _, e := range eps.Content {
			if host := text(child(child(e, "fqdn"), "hostname")); VendorOf(host) != "" {
				facts := map[string]string{"vendor": VendorOf(host), "by": "Envoy AI Gateway", "backend": name}
				if port := text(child(child(e, "fqdn"), "port")); port == "80" {
					f.notice("service-without-tls", High, e.Line, host, "CWE-319", "%s is called without TLS", host)
				}
				f.add(Part{Kind: Service, Name: host, Facts: facts}, e.Line)
			}
		}
	case "AIServiceBackend":
		f.add(Part{Kind: Service, Name: firstOf(text(child(child(spec, "backendRef"), "name")), name), Facts: map[string]string{"vendor": text(child(child(spec, "schema"), "name")), "by": "Envoy AI Gateway", "alias": "true"}}, root.Line)
	case "BackendSecurityPolicy":
		refs := child(spec, "targetRefs")
		if refs == nil {
			return
		}
		for _, r := range refs.Content {
			f.add(Part{Kind: Service, Name: text(child(r, "name")), Facts: map[string]string{"by": "Envoy AI Gateway", "authentication": authenticationOf(text(child(spec, "type"))), "alias": "true"}}, r.Line)
		}
	}
}

func authenticationOf(kind string) string {
	switch kind {
	case "APIKey", "AzureAPIKey", "AnthropicAPIKey":
		return "key"
	case "AWSCredentials":
		return "iam"
	case "AzureCredentials", "GCPCredentials":
		return "oauth"
	}
	return kind
}

// kong reads the ai-proxy and limiting plugins of Kong's declarative configuration.
// Source: docs.konghq.com/hub/kong-inc/ai-proxy.
func (f *file) kong(root *yaml.Node) {
	var plugins []*yaml.Node
	var find func(n *yaml.Node, depth int)
	find = func(n *yaml.Node, depth int) {
		if depth > 32 {
			return
		}
		if p := child(n, "plugins"); p != nil {
			plugins = append(plugins, p.Content...)
		}
		for _, c := range n.Content {
			find(c, depth+1)
		}
	}
	find(root, 0)
	if p := text(child(root, "plugin")); p != "" {
		plugins = append(plugins, root)
	}
	has := map[string]bool{}
	for _, p := range plugins {
		has[firstOf(text(child(p, "name")), text(child(p, "plugin")))] = true
	}
	for _, p := range plugins {
		name := firstOf(text(child(p, "name")), text(child(p, "plugin")))
		if !strings.HasPrefix(name, "ai-proxy") {
			continue
		}
		config := child(p, "config")
		targets := []*yaml.Node{config}
		if list := child(config, "targets"); list != nil {
			targets = list.Content
		}
		for _, t := range targets {
			m := child(t, "model")
			provider := text(child(m, "provider"))
			host, vendor := "", provider
			for _, v := range vendors {
				if strings.EqualFold(v.id, provider) {
					host, vendor = v.host, v.name
				}
			}
			host = firstOf(hostOf(text(child(child(m, "options"), "upstream_url"))), host, vendor+" (address set at run time)")
			facts := map[string]string{"vendor": vendor, "by": "Kong"}
			if text(child(child(t, "auth"), "header_value")) != "" {
				facts["authentication"] = "key"
			}
			for _, limiter := range []string{"ai-rate-limiting-advanced", "rate-limiting", "rate-limiting-advanced"} {
				if has[limiter] {
					facts["limited"] = limiter
				}
			}
			f.add(Part{Kind: Service, Name: host, Facts: facts}, p.Line)
			if model := text(child(m, "name")); model != "" {
				f.add(Part{Kind: Model, Ecosystem: vendor, Name: model, Pinned: dated.MatchString(model), Facts: map[string]string{"by": "Kong", "host": host, "vendor": vendor}}, p.Line)
			}
		}
		if !has["key-auth"] && !has["jwt"] && !has["openid-connect"] && !has["oauth2"] && !has["basic-auth"] && !has["mtls-auth"] {
			f.notice("gateway-without-key", High, p.Line, "Kong", "CWE-306", "no plugin asks callers of the AI route who they are")
		}
	}
}

// apimPolicy reads an API Management policy: which backend, how it signs in, and
// what it limits. Source: learn.microsoft.com, API Management policy reference.
func apimPolicy(f *file) error {
	if !strings.Contains(string(f.data), "<policies") {
		return nil
	}
	d := xml.NewDecoder(strings.NewReader(string(f.data)))
	d.Strict = false // policy expressions hold quotes and brackets
	facts := map[string]string{"by": "Azure API Management"}
	host, line := "", 0
	for {
		t, err := d.Token()
		if err != nil {
			break
		}
		e, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		at := func(name string) string {
			for _, a := range e.Attr {
				if a.Name.Local == name {
					return a.Value
				}
			}
			return ""
		}
		switch e.Name.Local {
		case "set-backend-service":
			line, _ = d.InputPos()
			host = firstOf(hostOf(at("base-url")), at("backend-id"))
			if strings.HasPrefix(at("base-url"), "http://") {
				f.notice("service-without-tls", High, line, host, "CWE-319", "%s is called without TLS", host)
			}
		case "authentication-managed-identity":
			facts["authentication"] = "oauth"
		case "azure-openai-token-limit", "llm-token-limit":
			facts["tpm"] = at("tokens-per-minute")
		case "rate-limit", "rate-limit-by-key":
			facts["limited"] = e.Name.Local
			if at("renewal-period") == "60" {
				facts["rpm"] = at("calls")
			}
		}
	}
	if host != "" {
		facts["vendor"] = firstOf(VendorOf(host), "Azure API Management backend")
		f.add(Part{Kind: Service, Name: host, Facts: facts}, line)
	}
	return nil
}
