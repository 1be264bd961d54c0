package finding

// Growth is what the work of a fix is done for, one by one.
type Growth string

// What a fix may have to be done for.
const (
	// GrowsNot: once, however large the workload: a setting, a policy.
	GrowsNot Growth = "once"
	// GrowsUnits: each replica, instance or node is replaced or restarted.
	GrowsUnits Growth = "units"
	// GrowsCallers: each client has to change: how it signs in, what it calls.
	GrowsCallers Growth = "callers"
	// GrowsData: what is stored already has to be written again, or looked through.
	GrowsData Growth = "data"
	// GrowsModels: each model or job has to be made again.
	GrowsModels Growth = "models"
)

// Growths lists every Growth as it is spelt.
func Growths() []string {
	return []string{string(GrowsNot), string(GrowsUnits), string(GrowsCallers), string(GrowsData), string(GrowsModels)}
}

// Cost is what a fix costs before a workload is scaled and after: an estimate
// by stated rates (package risk), to order by and to show why now is the time,
// not to plan by.
type Cost struct {
	// Units are how many of what the fix grows with there are now, and how many
	// there would be after scaling: replicas, callers, stores, models.
	Units       float64 `json:"units"`
	ScaledUnits float64 `json:"scaledUnits"`
	// Hours of work now, and after scaling.
	Hours       float64 `json:"hours"`
	ScaledHours float64 `json:"scaledHours"`
	// Factor is by how much the workload would grow, and Why says where the
	// factor and the units are from.
	Factor float64 `json:"factor"`
	Why    string  `json:"why"`
}

// Saved is the work that mending before scaling saves, in hours.
func (c *Cost) Saved() float64 {
	if c == nil {
		return 0
	}
	return c.ScaledHours - c.Hours
}
