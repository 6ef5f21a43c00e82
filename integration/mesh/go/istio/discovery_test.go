// Package istio has Istio's own discovery server, as Istio's tests have it: the real control plane without Kubernetes.
package istio

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
)

// TestServe serves the objects of the file PORTOLAN_OBJECTS at the address PORTOLAN_DISCOVERY until it is stopped. When
// the file is replaced it serves what the new one has, as if the objects had been applied.
func TestServe(t *testing.T) {
	address, path := os.Getenv("PORTOLAN_DISCOVERY"), os.Getenv("PORTOLAN_OBJECTS")
	if address == "" || path == "" {
		t.Fatal("PORTOLAN_DISCOVERY and PORTOLAN_OBJECTS are not set")
	}
	text := read(t, path)
	served := parse(t, text)
	server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		ConfigString:    text,
		ListenerBuilder: func() (net.Listener, error) { return net.Listen("tcp", address) },
	})
	for {
		time.Sleep(100 * time.Millisecond)
		changed := read(t, path)
		if changed == text {
			continue
		}
		wanted := parse(t, changed)
		apply(t, server.Store(), served, wanted)
		text, served = changed, wanted
		fmt.Println("applied")
	}
}

// apply changes what is stored from one set of objects to another.
func apply(t *testing.T, store model.ConfigStoreController, before, after map[string]config.Config) {
	for key, object := range after {
		var err error
		if old := store.Get(object.GroupVersionKind, object.Name, object.Namespace); old == nil {
			_, err = store.Create(object)
		} else {
			object.ResourceVersion = old.ResourceVersion
			_, err = store.Update(object)
		}
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	for key, object := range before {
		if _, stays := after[key]; !stays {
			if err := store.Delete(object.GroupVersionKind, object.Name, object.Namespace, nil); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}

// parse reads objects, by what they are called.
func parse(t *testing.T, text string) map[string]config.Config {
	objects, others, err := crd.ParseInputs(text)
	if err != nil || len(others) > 0 {
		t.Fatalf("not objects of Istio: %v %v", err, others)
	}
	named := map[string]config.Config{}
	for _, object := range objects {
		validate(t, object)
		named[object.Key()] = object
	}
	return named
}

// validate asks what Istio's webhook asks when an object is applied. A warning counts, too: it says that something has no effect.
// But for one that every EnvoyFilter gets.
func validate(t *testing.T, object config.Config) {
	schema, found := collections.Pilot.FindByGroupVersionKind(object.GroupVersionKind)
	if !found {
		t.Fatalf("%s: Istio knows no such kind", object.Key())
	}
	warning, err := schema.ValidateConfig(object)
	if err != nil {
		t.Fatalf("%s: %v", object.Key(), err)
	}
	for _, each := range warnings(warning) {
		if !strings.HasPrefix(each, "EnvoyFilter exposes internal implementation details") {
			t.Fatalf("%s: %s", object.Key(), each)
		}
	}
}

// warnings are the lines of one warning or of a list of several.
func warnings(warning error) []string {
	if warning == nil {
		return nil
	}
	var all []string
	for _, line := range strings.Split(warning.Error(), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "* ")
		if line != "" && !strings.HasSuffix(line, "occurred:") {
			all = append(all, line)
		}
	}
	return all
}

func read(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
