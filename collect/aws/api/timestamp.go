package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// layouts are the timestamp texts seen on AWS's wires and in its emulators,
// likeliest first. Texts without an offset are UTC.
var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999",
	http.TimeFormat,
	time.RFC1123Z,
	"2006-01-02T15:04Z07:00",
	"2006-01-02",
	"20060102T150405Z",
}

// isoTime gives a timestamp as the AWS command line prints it: ISO 8601 with
// its offset and, if there are any, microseconds.
func isoTime(s string) (string, error) {
	s = strings.TrimSpace(s)
	if sec, err := strconv.ParseFloat(s, 64); err == nil {
		return isoEpoch(sec)
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return iso(t), nil
		}
	}
	return "", fmt.Errorf("%.40q is no timestamp", s)
}

// isoEpoch is for seconds since 1970, rounded to a microsecond, half to even.
func isoEpoch(sec float64) (string, error) {
	// Year 1 to 9999, which is what the notation can hold.
	if math.IsNaN(sec) || sec < -62135596800 || sec >= 253402300800 {
		return "", fmt.Errorf("%v is no time in seconds since 1970", sec)
	}
	whole, frac := math.Modf(sec)
	return iso(time.Unix(int64(whole), int64(math.RoundToEven(frac*1e6))*1000).UTC()), nil
}

func iso(t time.Time) string {
	if t.Nanosecond()/1000 != 0 {
		return t.Format("2006-01-02T15:04:05.000000-07:00")
	}
	return t.Format("2006-01-02T15:04:05-07:00")
}

// formatTime writes a parameter.
func formatTime(t time.Time, format string) string {
	t = t.UTC()
	switch strings.ToLower(format) {
	case "unixtimestamp":
		if t.Nanosecond() == 0 {
			return strconv.FormatInt(t.Unix(), 10)
		}
		return strconv.FormatFloat(float64(t.UnixMicro())/1e6, 'f', -1, 64)
	case "rfc822":
		return t.Format(http.TimeFormat)
	}
	return t.Format("2006-01-02T15:04:05.999999Z07:00")
}
