package kubernetes

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// device is a resource claim, or a template of one, for an accelerator.
type device struct {
	node  estate.Node
	class string
}

// request is one device asked for, in the spellings the API has had.
type request struct {
	DeviceClassName string `json:"deviceClassName"`
	Exactly         *struct {
		DeviceClassName string `json:"deviceClassName"`
	} `json:"exactly"`
	FirstAvailable []struct {
		DeviceClassName string `json:"deviceClassName"`
	} `json:"firstAvailable"`
}

type claimSpec struct {
	Devices struct {
		Requests []request `json:"requests"`
	} `json:"devices"`
}

// deviceClass returns the accelerator class a claim or template asks for, ""
// if it asks for none.
func deviceClass(config []byte) string {
	var x struct {
		Spec struct {
			claimSpec
			Spec claimSpec `json:"spec"` // of a template
		} `json:"spec"`
	}
	if json.Unmarshal(config, &x) != nil {
		return ""
	}
	for _, r := range append(x.Spec.Devices.Requests, x.Spec.Spec.Devices.Requests...) {
		names := []string{r.DeviceClassName}
		if r.Exactly != nil {
			names = append(names, r.Exactly.DeviceClassName)
		}
		for _, f := range r.FirstAvailable {
			names = append(names, f.DeviceClassName)
		}
		for _, n := range names {
			if isAcceleratorClass(n) {
				return n
			}
		}
	}
	return ""
}

// isAcceleratorClass recognises the device classes that the drivers of
// accelerators install.
func isAcceleratorClass(name string) bool {
	switch name {
	case "gpu.nvidia.com", "mig.nvidia.com", "vfio.gpu.nvidia.com", "compute-domain-default-channel.nvidia.com",
		"gpu.amd.com", "gpu.intel.com", "gaudi.intel.com", "tpu.google.com", "neuron.aws.com":
		return true
	}
	return strings.HasSuffix(name, ".gpu.nvidia.com")
}

// claimants makes roots of the workloads that are given accelerators by a
// claim, which their own configuration only names.
func (d *derivation) claimants(s *estate.Snapshot) {
	done := map[estate.Node]bool{}
	for _, dev := range d.devices {
		claim := s.Asset(dev.node)
		for e := range s.In(dev.node) {
			a := s.Asset(e.Node)
			if e.Type != estate.Uses || a.Cloud != estate.Kubernetes || a.Root != nil || done[e.Node] || made(s, e.Node) {
				continue
			}
			group, kind := split(a.Type)
			if key := kind + "." + group; definitions[key] || kind == "" {
				continue
			}
			done[e.Node] = true
			class := estate.ClassEndpoint
			if endsByKind[kind+"."+group] {
				class = estate.ClassTraining
			}
			d.assets = append(d.assets, estate.Asset{
				ID: a.ID, Type: a.Type, Cloud: a.Cloud, Account: a.Account, Region: a.Region, Name: a.Name, Kind: a.Kind,
				Root: &estate.Root{Class: class, Why: fmt.Sprintf("%s %s asks for a device of class %s and runs as a %s.", claim.Type[strings.LastIndex(claim.Type, "/")+1:], claim.Name, dev.class, kind)},
			})
		}
	}
}

// made reports whether a controller that shows what it runs made an asset.
func made(s *estate.Snapshot, n estate.Node) bool {
	for e := range s.In(n) {
		group, kind := split(s.Asset(e.Node).Type)
		_, isCustom := customs[kind+"."+group]
		if e.Type == estate.Contains && (carriers[kind+"."+group] || isCustom) {
			return true
		}
	}
	return false
}
