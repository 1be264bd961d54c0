package expr

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Member is one object a Service leads to.
type Member struct {
	// Class of the AI workload it belongs to; empty if it belongs to none.
	Class string
	Ports []Port
}

// Port is a port a container declares.
type Port struct {
	Name   string
	Number int64
}

// behindList is the variable behind: a list of {class, ports: [{name, port}]},
// empty where nothing was read of what the subject leads to.
func behindList(members []Member) ref.Val {
	out := make([]any, 0, len(members))
	for _, m := range members {
		ports := make([]any, 0, len(m.Ports))
		for _, p := range m.Ports {
			ports = append(ports, map[string]any{"name": p.Name, "port": p.Number})
		}
		out = append(out, map[string]any{"class": m.Class, "ports": ports})
	}
	return types.DefaultTypeAdapter.NativeToValue(out)
}
