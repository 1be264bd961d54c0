package api

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// xmlDecoder walks a reply's XML by tokens, driven by the shape it expects,
// and writes JSON as it goes. No tree is built.
type xmlDecoder struct {
	svc   *service
	dec   *xml.Decoder
	depth int
}

func newXML(svc *service, body []byte) *xmlDecoder {
	return &xmlDecoder{svc: svc, dec: xml.NewDecoder(bytes.NewReader(body))}
}

// token gives the next start, end or text. It does its own matching of tags
// (the decoder's raw tokens are not matched) in close.
func (d *xmlDecoder) token() (xml.Token, error) {
	for {
		t, err := d.dec.RawToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("the reply ends in the middle")
		case err != nil:
			return nil, errors.New("the reply is no XML")
		}
		switch t.(type) {
		case xml.StartElement, xml.EndElement, xml.CharData:
			return t, nil
		}
	}
}

// root gives the first element.
func (d *xmlDecoder) root() (xml.StartElement, error) {
	for {
		t, err := d.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, errors.New("the reply is no XML")
		}
	}
}

// next gives the next child of parent, or false at its end. Text among the
// children means that something else stands here than the model says.
func (d *xmlDecoder) next(parent xml.StartElement) (xml.StartElement, bool, error) {
	for {
		t, err := d.token()
		if err != nil {
			return xml.StartElement{}, false, err
		}
		switch t := t.(type) {
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return xml.StartElement{}, false, errors.New("a text stands where the model has members")
			}
		case xml.StartElement:
			return t, true, nil
		case xml.EndElement:
			if t.Name != parent.Name {
				return xml.StartElement{}, false, errors.New("the reply's tags do not match")
			}
			return xml.StartElement{}, false, nil
		}
	}
}

// skip steps over an element without recursion.
func (d *xmlDecoder) skip(el xml.StartElement) error {
	open := []xml.Name{el.Name}
	for len(open) > 0 {
		t, err := d.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			open = append(open, t.Name)
		case xml.EndElement:
			if t.Name != open[len(open)-1] {
				return errors.New("the reply's tags do not match")
			}
			open = open[:len(open)-1]
		}
	}
	return nil
}

// text gives an element's text; an element inside it is an error.
func (d *xmlDecoder) text(el xml.StartElement) (string, error) {
	var b []byte
	for {
		t, err := d.token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			b = append(b, t...)
		case xml.StartElement:
			return "", fmt.Errorf("element %.40s stands where the model has a text", t.Name.Local)
		case xml.EndElement:
			if t.Name != el.Name {
				return "", errors.New("the reply's tags do not match")
			}
			return string(b), nil
		}
	}
}
