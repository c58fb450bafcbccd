// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations"
	"github.com/pocketbase/pocketbase/tools/types"
)

// peer is PocketBase as it comes, with a collection that has the fields of the register of residents and is for who is
// signed in. It fills itself from a file when it is empty. durable has each commit on disk before it is answered, as
// Mercator does; by itself PocketBase writes with synchronous=NORMAL, and the last commits may be lost with the power.
func peer(dir, file string, durable bool) error {
	config := core.BaseAppConfig{DataDir: dir}
	if durable {
		config.DBConnect = func(path string) (*dbx.DB, error) {
			return dbx.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(200000000)"+
				"&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-32000)")
		}
	}
	app := core.NewBaseApp(config)
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	s := app.Settings()
	s.Logs.MaxDays, s.Logs.MinLevel, s.Logs.LogIP, s.Logs.LogAuthId = 5, 0, true, true // the request log: who asked for what
	if err := app.Save(s); err != nil {
		return err
	}
	if _, err := app.FindCollectionByNameOrId("residents"); err != nil {
		if err := fill(app, file); err != nil {
			return err
		}
	}
	clerk, err := app.FindAuthRecordByEmail("users", "clerk@example.org")
	if err != nil {
		users, err := app.FindCollectionByNameOrId("users")
		if err != nil {
			return err
		}
		clerk = core.NewRecord(users)
		clerk.SetEmail("clerk@example.org")
		clerk.SetPassword("mercator-bench")
		if err := app.Save(clerk); err != nil {
			return err
		}
	}
	token, err := clerk.NewAuthToken()
	if err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.InstallerFunc = nil
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		e.Listener = l
		fmt.Printf("ready http://%s %s\n", l.Addr(), token)
		return e.Next()
	})
	return apis.Serve(app, apis.ServeConfig{HttpAddr: "127.0.0.1:0"})
}

// fill makes the collection and reads the records from what Mercator has exported.
func fill(app *core.BaseApp, file string) error {
	c := core.NewBaseCollection("residents")
	signedIn := types.Pointer("@request.auth.id != ''")
	c.ListRule, c.ViewRule, c.UpdateRule = signedIn, signedIn, signedIn
	id, ok := c.Fields.GetByName("id").(*core.TextField)
	if !ok {
		return errors.New("the collection has no id")
	}
	id.Min, id.Max, id.Pattern, id.AutogeneratePattern = 1, 64, "^[a-z0-9-]+$", ""
	for _, name := range fields {
		c.Fields.Add(&core.TextField{Name: name, Required: true, Max: 120})
	}
	c.AddIndex("residents_family_name", false, "family_name, id", "")
	if err := app.Save(c); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return app.RunInTransaction(func(tx core.App) error {
		names := append([]string{"id"}, fields...)
		insert := tx.DB().NewQuery("INSERT INTO residents (" + strings.Join(names, ", ") + ") VALUES ({:" + strings.Join(names, "}, {:") + "})").Prepare()
		defer insert.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p := dbx.Params{}
			if err := json.Unmarshal(lines.Bytes(), (*map[string]any)(&p)); err != nil {
				return err
			}
			if _, err := insert.Bind(p).Execute(); err != nil {
				return err
			}
		}
		return lines.Err()
	})
}

// fields are those of the register of residents beside its key.
var fields = []string{"given_names", "family_name", "birth_date", "nationality", "street", "house_number", "postcode", "city", "quarter", "residence_since"}

// startup is how long either may take to load its data and be ready.
const startup = 30 * time.Minute
