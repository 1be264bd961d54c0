package cloudformation

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Bounds of what one source stands for once all is written out.
const (
	maxProduced = 4 << 20
	maxText     = 256 << 20
	maxEval     = 400
)

// noValue stands for AWS::NoValue: the property is not set.
type noValue struct{}

// produced counts a value against the bounds; it reports false when they are
// used up.
func (r *reader) produced(bytes int) bool {
	r.nodes--
	r.bytes -= bytes
	if r.nodes < 0 || r.bytes < 0 {
		r.spent = true
	}
	return !r.spent
}

// eval settles a value as far as the template does. It returns nil, bool,
// json.Number, string, []any, map[string]any, noValue or *Open.
func (s *stack) eval(n *node, depth int) any {
	if n == nil {
		return nil
	}
	if depth > maxEval {
		return s.r.opened("functions are nested deeper than "+fmt.Sprint(maxEval), "simplify the template")
	}
	if !s.r.produced(len(n.text)) {
		return nil
	}
	switch n.kind {
	case boolean:
		return n.text == "true"
	case number:
		return json.Number(n.text)
	case text:
		return s.dynamic(n.text)
	case twice:
		return s.r.opened(fmt.Sprintf("%s: %q stands on line %d and again on line %d, and which of them holds is not said", s.file, n.text, n.line, n.kids[0].line), "keep one of the two")
	case list:
		out := make([]any, 0, len(n.kids))
		for _, k := range n.kids {
			if v := s.eval(k, depth+1); v != (noValue{}) {
				out = append(out, v)
			}
		}
		return out
	case object:
		if len(n.keys) == 1 && (n.keys[0] == "Ref" || strings.HasPrefix(n.keys[0], "Fn::")) {
			return s.call(n.keys[0], n.kids[0], depth+1)
		}
		out := make(map[string]any, len(n.keys))
		for i, k := range n.keys {
			switch {
			case k == "Fn::Transform":
				out[k] = s.transform(n.kids[i])
			default:
				if v := s.eval(n.kids[i], depth+1); v != (noValue{}) {
					out[k] = v
				}
			}
		}
		if _, macro := out["Fn::Transform"]; macro { // what it adds or changes is not seen
			return out["Fn::Transform"]
		}
		return out
	}
	return nil
}

// dynamic is a text, open if it holds a dynamic reference.
func (s *stack) dynamic(t string) any {
	if strings.Contains(t, afterApply) {
		return s.r.opened("the change set says that it is known after the change", "assess the account then (--source aws)")
	}
	_, rest, found := strings.Cut(t, "{{resolve:")
	if !found {
		return t
	}
	service, _, _ := strings.Cut(rest, ":")
	from := map[string]string{"ssm": "Parameter Store", "ssm-secure": "Parameter Store", "secretsmanager": "Secrets Manager"}[service]
	if from == "" {
		from = "elsewhere"
	}
	return s.r.opened("a dynamic reference is read from "+from+" when the stack is made", "no value stands in the template; assess the account once the stack is made (--source aws)")
}

// call evaluates a function.
func (s *stack) call(name string, arg *node, depth int) any {
	switch name {
	case "Ref":
		return s.ref(arg.str())
	case "Fn::GetAtt":
		return s.getAtt(arg, depth)
	case "Fn::Sub":
		return s.sub(arg, depth)
	case "Fn::Join":
		return s.join(arg, depth)
	case "Fn::Select":
		return s.pick(arg, depth)
	case "Fn::Split":
		return s.split(arg, depth)
	case "Fn::If":
		return s.branch(arg, depth)
	case "Fn::FindInMap":
		return s.findInMap(arg, depth)
	case "Fn::Base64":
		return s.base64(arg, depth)
	case "Fn::ImportValue":
		return s.importValue(arg, depth)
	case "Fn::Cidr":
		return s.cidr(arg, depth)
	case "Fn::GetAZs":
		return s.r.opened("the zones of a region are the account's own (Fn::GetAZs)", "assess the account once the stack is made (--source aws)")
	case "Fn::Length":
		if l, ok := s.eval(arg, depth).([]any); ok {
			return json.Number(fmt.Sprint(len(l)))
		}
		return s.openOf(s.eval(arg, depth), name)
	case "Fn::ToJsonString":
		return s.toJSON(arg, depth)
	case "Fn::Transform":
		return s.transform(arg)
	case "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals":
		switch t, why := s.truthOf(&node{kind: object, keys: []string{name}, kids: []*node{arg}}, depth); t {
		case yes:
			return true
		case no:
			return false
		default:
			return s.r.opened(why, "")
		}
	}
	return s.r.opened("sevenfold does not know the function "+name, "look at it by hand, or assess the account once the stack is made (--source aws)")
}

// ref is what Ref gives: a pseudo parameter, a parameter, or a reference to a
// resource.
func (s *stack) ref(name string) any {
	switch name {
	case "AWS::NoValue":
		return noValue{}
	case "AWS::AccountId":
		if s.account == "" {
			return s.r.opened("the account is not known", "say it: cloudformation:TEMPLATE,account=ID")
		}
		return s.account
	case "AWS::Region":
		if s.region == "" {
			return s.r.opened("the region is not known", "say it: cloudformation:TEMPLATE,region=NAME")
		}
		return s.region
	case "AWS::Partition":
		return partitionOf(s.region)
	case "AWS::URLSuffix":
		if partitionOf(s.region) == "aws-cn" {
			return "amazonaws.com.cn"
		}
		return "amazonaws.com"
	case "AWS::StackName":
		if s.parent != nil { // CloudFormation makes it of the parent's name and more
			return s.r.opened("the name of a nested stack is made when it is", "")
		}
		return s.name
	case "AWS::StackId", "AWS::NotificationARNs":
		return s.r.opened(name+" is known only when the stack is made", "")
	}
	if s.params.get(name) != nil {
		return s.parameter(name)
	}
	if n := s.resources[name]; n != nil {
		return s.reference(name, "", n)
	}
	return s.r.opened("Ref "+name+": the template has no such parameter or resource", "mend the name: CloudFormation refuses the template as it is")
}

// reference is an open value that is what a resource's attribute will be.
func (s *stack) reference(id, attribute string, n *node) any {
	if made, _ := s.exists(n); made == no {
		return s.r.opened(id+" is referred to, and its condition is false", "mend the condition: CloudFormation refuses the template as it is")
	}
	return &Open{Why: "known only when " + id + " is made", Parts: []Part{{Resource: s.address + "/" + id, Attribute: attribute}}}
}

// getAtt is an attribute of a resource, or an output of a nested stack.
func (s *stack) getAtt(arg *node, depth int) any {
	id, attribute, _ := strings.Cut(arg.str(), ".")
	if arg.is(list) && len(arg.kids) >= 2 {
		id = arg.kids[0].str()
		var words []string
		for _, k := range arg.kids[1:] {
			w, ok := s.eval(k, depth).(string)
			if !ok {
				return s.r.opened("which attribute of "+id+" is meant is not known", "")
			}
			words = append(words, w)
		}
		attribute = strings.Join(words, ".")
	}
	n := s.resources[id]
	if n == nil {
		return s.r.opened("Fn::GetAtt "+id+"."+attribute+": the template has no such resource", "mend the name: CloudFormation refuses the template as it is")
	}
	if name, ok := strings.CutPrefix(attribute, "Outputs."); ok && n.get("Type").str() == nestedType {
		if c := s.child(id); c != nil {
			return c.output(name)
		}
		return s.r.opened("what the nested stack "+id+" gives is not known", "put its template beside this one")
	}
	return s.reference(id, attribute, n)
}

// transform is what a macro makes: not known.
func (s *stack) transform(arg *node) any {
	return s.r.opened("macro "+first(arg.get("Name").str(), "without a name")+" makes it when the stack is made",
		"read what it became: aws cloudformation get-template --stack-name NAME --template-stage Processed > template.json")
}

// openOf passes an open value on; any other does not fit the function.
func (s *stack) openOf(v any, function string) any {
	if o, ok := v.(*Open); ok && o.Parts == nil {
		return o
	} else if ok {
		return s.r.opened("it hangs on what is known only when the stack is made ("+function+")", "assess the account once the stack is made (--source aws)")
	}
	return s.r.opened(function+" is given what it does not take", "mend it: CloudFormation refuses the template as it is")
}

// partitionOf names the partition a region belongs to.
func partitionOf(region string) string {
	for _, p := range [...][2]string{{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"us-isob-", "aws-iso-b"}, {"us-isof-", "aws-iso-f"},
		{"us-iso-", "aws-iso"}, {"eu-isoe-", "aws-iso-e"}, {"eusc-", "aws-eusc"}} {
		if strings.HasPrefix(region, p[0]) {
			return p[1]
		}
	}
	return "aws"
}
