package aws

import (
	"context"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// table is an account-wide table (the credential report), read once.
type table struct {
	once sync.Once
	rows map[string]map[string]any
	fail *failure
}

// reportWait and reportTries bound the wait for the provider to make a report;
// it takes seconds as a rule.
const (
	reportWait  = 2 * time.Second
	reportTries = 20
)

// joinRow puts the asset's row of the account's table into its configuration.
func (u *unit) joinRow(d *catalog.Draft) {
	rows := d.Resource.Rows
	t := u.table(d)
	if t.fail != nil {
		d.AddRow(nil, t.fail.status, t.fail.why, u.rowGrants(d))
		return
	}
	id, err := d.ID()
	if err != nil {
		return
	}
	row, ok := t.rows[id]
	if !ok {
		d.AddRow(nil, estate.ReadSkipped, "not in the report of "+rows.Op+": made before this asset was", "")
		return
	}
	d.AddRow(row, estate.ReadOK, "", "")
}

// rowGrants names the grants that reading the table needs.
func (u *unit) rowGrants(d *catalog.Draft) string {
	p := d.Resource.Service().ActionPrefix()
	return p + ":" + d.Resource.Rows.Prepare + "," + p + ":" + d.Resource.Rows.Op
}

// table reads the table of a resource's service, once for the account.
func (u *unit) table(d *catalog.Draft) *table {
	rows := d.Resource.Rows
	service := d.Resource.Service().Service
	u.session.mu.Lock()
	t := u.tables[service+rows.Op]
	if t == nil {
		t = &table{}
		u.tables[service+rows.Op] = t
	}
	u.session.mu.Unlock()
	t.once.Do(func() {
		t.rows, t.fail = u.readTable(u.region.ctx, service, rows)
		if t.fail != nil {
			req := api.Request{Service: service, Operation: rows.Op, Region: u.scope.Region}
			u.blind(req, t.fail, "", []string{d.Resource.Type}, []string{u.rowGrants(d)})
		}
	})
	return t
}

// readTable has the table made, waits for it and reads it.
func (u *unit) readTable(ctx context.Context, service string, rows *catalog.Rows) (map[string]map[string]any, *failure) {
	req := api.Request{Service: service, Operation: rows.Prepare, Region: u.scope.Region}
	for try := 0; ; try++ {
		body, err := u.call(ctx, req, 1)
		if err != nil {
			return nil, asFailure(err)
		}
		if body["State"] == "COMPLETE" {
			break
		}
		if try == reportTries {
			return nil, &failure{status: estate.ReadFailed, why: "the report was not ready in time"}
		}
		select {
		case <-ctx.Done():
			return nil, asFailure(ctx.Err())
		case <-time.After(reportWait):
		}
	}
	req.Operation = rows.Op
	body, err := u.call(ctx, req, 1)
	if err != nil {
		return nil, asFailure(err)
	}
	content, _ := catalog.Lookup(body, rows.Content).(string)
	table, err := catalog.ReadRows(content, rows.By)
	if err != nil {
		return nil, malformed(err.Error(), err)
	}
	return table, nil
}
