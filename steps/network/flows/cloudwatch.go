package flows

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// cloudWatchKeys are the members of what `aws logs filter-log-events` and
// `get-log-events` print; one of them comes first.
var cloudWatchKeys = [][]byte{[]byte(`"events"`), []byte(`"searchedLogStreams"`), []byte(`"nextToken"`), []byte(`"nextForwardToken"`), []byte(`"nextBackwardToken"`)}

func isCloudWatch(text []byte) bool {
	rest := bytes.TrimLeft(text[1:], " \t\r\n")
	for _, k := range cloudWatchKeys {
		if bytes.HasPrefix(rest, k) {
			return true
		}
	}
	return false
}

// cloudWatchEvent is one event; all else in it is passed over.
type cloudWatchEvent struct {
	Message *string `json:"message"`
}

// cloudWatch reads replies of CloudWatch Logs, one or several behind each
// other, or a list of events alone (--query events). Lines are counted as
// events, since the command writes a whole reply on one.
func (d *reading) cloudWatch(b *bufio.Reader) {
	dec := json.NewDecoder(b)
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return
		}
		if err == nil {
			switch token {
			case json.Delim('{'):
				err = d.reply(dec)
			case json.Delim('['):
				err = d.events(dec)
			default:
				err = errors.New("neither a reply of CloudWatch Logs nor a list of events")
			}
		}
		if err != nil {
			if d.ctx.Err() == nil {
				d.cut(err)
			}
			return
		}
	}
}

// reply reads the members of a reply up to its end.
func (d *reading) reply(dec *json.Decoder) error {
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		if name != "events" {
			var skipped json.RawMessage
			if err := dec.Decode(&skipped); err != nil {
				return err
			}
			continue
		}
		if open, err := dec.Token(); err != nil {
			return err
		} else if open != json.Delim('[') {
			return errors.New("events is no list")
		}
		if err := d.events(dec); err != nil {
			return err
		}
	}
	return closing(dec)
}

// events reads a list of events up to its end.
func (d *reading) events(dec *json.Decoder) error {
	for dec.More() {
		if d.line%checkEvery == 0 && d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		d.line++
		var e cloudWatchEvent
		err := dec.Decode(&e)
		var typed *json.UnmarshalTypeError
		switch {
		case errors.As(err, &typed):
			d.bad("an event that is not one of CloudWatch Logs")
		case err != nil:
			return err
		case e.Message == nil:
			d.bad("an event without a message")
		default:
			if line := bytes.TrimSpace([]byte(*e.Message)); len(line) > 0 {
				d.record(line)
			}
		}
	}
	return closing(dec)
}

// closing reads the end of an object or list; a decoder's More is false at the
// end of a file that is cut, too.
func closing(dec *json.Decoder) error {
	_, err := dec.Token()
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
