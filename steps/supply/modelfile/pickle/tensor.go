package pickle

import "strings"

// tensors tells of the tensors among the pairs of a dict. A tensor is what
// torch._utils._rebuild_tensor_v2 makes of a storage, an offset, a size and a
// stride; the storage is a persistent id ("storage", class, key, device, count).
func (m *machine) tensors(pairs []value) {
	for i := 0; i+1 < len(pairs); i += 2 {
		v := pairs[i+1]
		if v.kind() != kObject {
			continue
		}
		name := m.globals[v.global()].ruling.Name
		args, _ := m.members(mk(kTuple, v.args()))
		if name == "torch._utils._rebuild_parameter" && len(args) > 0 && args[0].kind() == kObject {
			v = args[0]
			name = m.globals[v.global()].ruling.Name
			args, _ = m.members(mk(kTuple, v.args()))
		}
		if !strings.HasPrefix(name, "torch._utils._rebuild_tensor") || len(args) < 4 || args[0].kind() != kPers {
			continue
		}
		if t, ok := m.tensor(args); ok {
			if t.Name, ok = m.text(pairs[i], 1024); ok {
				m.opt.Tensor(t)
			}
		}
	}
}

func (m *machine) tensor(args []value) (t Tensor, ok bool) {
	storage, known := m.members(mk(kTuple, args[0].at()))
	if !known || len(storage) < 5 || storage[1].kind() != kGlobal {
		return t, false
	}
	t.Storage = m.globals[storage[1].global()].Name
	if t.Key, ok = m.text(storage[2], 256); !ok {
		return t, false
	}
	if t.Offset, ok = m.number(args[1]); !ok {
		return t, false
	}
	if t.Shape, ok = m.numbers(args[2]); !ok {
		return t, false
	}
	t.Strides, ok = m.numbers(args[3])
	return t, ok
}

func (m *machine) numbers(v value) ([]int64, bool) {
	all, ok := m.members(v)
	if !ok || len(all) > 64 {
		return nil, false
	}
	out := make([]int64, len(all))
	for i, one := range all {
		if out[i], ok = m.number(one); !ok || out[i] < 0 {
			return nil, false
		}
	}
	return out, true
}
