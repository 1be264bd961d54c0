package expr

import (
	"encoding/json"
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// settingMap gives the account-wide settings an asset stands under by their
// types: setting[?"AWS::S3::AccountPublicAccessBlock"]. A setting that nobody
// read is absent: an expression may let it excuse a fault, never be one.
type settingMap struct{ subject *Subject }

var (
	_ traits.Indexer     = settingMap{}
	_ traits.FieldTester = settingMap{}
)

// of returns the configuration of a setting, nil where there is none.
func (m settingMap) of(key ref.Val) ref.Val {
	typ, ok := key.(types.String)
	s := m.subject
	if !ok || s.Setting == nil {
		return nil
	}
	other, asked := s.settings[string(typ)]
	if !asked {
		if a, config := s.Setting(string(typ)); a != nil {
			other = NewSubject(a, func() (json.RawMessage, error) { return config, nil }, nil, s.now)
		}
		if s.settings == nil {
			s.settings = map[string]*Subject{}
		}
		s.settings[string(typ)] = other
	}
	if other == nil {
		return nil
	}
	v, _ := other.ResolveName("config")
	return v.(ref.Val)
}

func (m settingMap) Get(key ref.Val) ref.Val {
	if v := m.of(key); v != nil {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

func (m settingMap) IsSet(key ref.Val) ref.Val { return types.Bool(m.of(key) != nil) }

func (m settingMap) ConvertToNative(reflect.Type) (any, error) {
	return nil, fmt.Errorf("the settings of an account cannot be taken as a whole")
}

func (m settingMap) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("the settings of an account cannot be taken as a whole")
}

func (m settingMap) Equal(ref.Val) ref.Val {
	return types.NewErr("the settings of an account cannot be taken as a whole")
}
func (m settingMap) Type() ref.Type { return types.MapType }
func (m settingMap) Value() any     { return nil }
