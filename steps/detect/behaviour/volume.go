package behaviour

import "math"

// volumes are what is counted by the hour.
const (
	volEvents = iota
	volErrors
	volFanout
	volAmount
	volumes
)

var volumeWords = [volumes]string{"calls", "refused calls", "different things touched", "tokens or bytes"}

// Volumes that are no excess, however little a principal did before.
var floors = [volumes]float32{30, 6, 10, 20_000}

// usual is the hour that a principal's are held against: its own largest, and while it
// is new the largest of its peers.
func (s *self) usual(g *crowd, v int) float32 {
	u := max(s.peak[v], floors[v])
	if s.days < 7 {
		u = max(u, g.peak[v])
	}
	return u
}

// volume looks at how much a principal did in this hour, each time that has doubled.
func (m *Model) volume(s *self, g *crowd, r *ranking, o *Observation) (f found, ok bool) {
	hour := uint32(o.Time.Unix() / 3600)
	if hour > s.hour {
		most := float32(0)
		for v := range s.now {
			most = max(most, s.now[v]/s.usual(g, v))
			s.peak[v] = max(s.peak[v]*0.998, s.now[v])
			if g.peak[v] *= 0.9999; s.told[v] == 0 { // what was told of, its act teaches
				g.peak[v] = max(g.peak[v], s.now[v])
			}
		}
		if s.hour > 0 { // its hours are what an hour is ranked among
			r.learn(math.Log2(float64(max(most, 1))))
		}
		s.now, s.told, s.hour = [volumes]float32{}, [volumes]float32{}, hour
	}
	s.now[volEvents]++
	if o.Error != "" {
		s.now[volErrors]++
	}
	s.now[volAmount] += float32(o.Amount)
	for v := range s.now {
		usual := s.usual(g, v)
		if s.now[v] < 2*max(usual, s.told[v]) {
			continue
		}
		s.told[v] = s.now[v]
		m.now.most[v], m.now.before[v] = s.now[v], usual
		if b := math.Log2(float64(s.now[v] / usual)); !ok || b > f.bits {
			f, ok = found{item: item{class: ofVolume}, bits: b, volume: v, count: float64(s.now[v]), usual: float64(usual)}, true
		}
	}
	if ok {
		f.surprise = r.rank(f.bits)
	}
	return f, ok
}
