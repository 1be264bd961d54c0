package format

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// form is how a column of typed values is written out as cells. Whatever may name
// somebody is: telephone and account numbers stand in columns of fractions, since tools
// store whole numbers so where some are missing, and in decimals without places; days
// may be of birth.
type form uint8

const (
	passed     form = iota // amounts, flags and times of day name nobody
	plain                  // texts as they are, whole numbers as digits
	fraction               // whole numbers among fractions
	coordinate             // fractions of a column that says it holds places on the map
	decimal                // decimals without places
	days                   // days since 1970
	seconds                // times since 1970, as days
	millis
	micros
	nanos
	julian // the twelve bytes in which Hive and Spark wrote times
)

// formOfFractions is that of a column of fractions: of those named for a place all
// digits are read.
func formOfFractions(name string) form {
	name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	for _, w := range []string{"lat", "lon", "lng", "coord", "gps"} {
		if strings.HasPrefix(name, w) || strings.HasSuffix(name, "_"+w) || len(w) > 3 && strings.Contains(name, w) {
			return coordinate
		}
	}
	return fraction
}

// named reports whether a fraction may name somebody: the digits of an account's number are
// at least five, and a fraction holds no more than fifteen without loss.
func named(v float64) bool {
	return v == math.Trunc(v) && math.Abs(v) >= 1e4 && math.Abs(v) < 1<<53
}

// real writes a fraction, or nothing where it names nobody.
func (f form) real(dst []byte, v float64) []byte {
	switch {
	case named(v):
		return strconv.AppendInt(dst, int64(v), 10)
	case f == coordinate && math.Abs(v) <= 180:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	return dst
}

// whole writes a whole number as what its column holds.
func (f form) whole(dst []byte, v int64) []byte {
	switch f {
	case days:
		if v < -200_000 || v > 200_000 {
			return dst
		}
		v *= 86400
	case millis:
		v = floor(v, 1e3)
	case micros:
		v = floor(v, 1e6)
	case nanos:
		v = floor(v, 1e9)
	case seconds:
	default:
		return strconv.AppendInt(dst, v, 10)
	}
	if v < -1e10 || v > 1e10 {
		return dst
	}
	return time.Unix(v, 0).UTC().AppendFormat(dst, time.DateOnly)
}

func floor(v, by int64) int64 {
	if v < 0 {
		return -((-v + by - 1) / by)
	}
	return v / by
}

// big writes the bytes of a decimal, the highest first, as digits.
func (f form) big(dst, b []byte) []byte {
	if len(b) == 0 || len(b) > 32 {
		return dst
	}
	if len(b) <= 8 {
		v := int64(int8(b[0]))
		for _, c := range b[1:] {
			v = v<<8 | int64(c)
		}
		return strconv.AppendInt(dst, v, 10)
	}
	v := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v.Append(dst, 10)
}

// julianDay writes the day of a time of Hive or Spark: nanoseconds of the day, then the
// day since 4713 BC.
func julianDay(dst []byte, day uint32) []byte {
	return days.whole(dst, int64(day)-2440588)
}
