package kubernetes

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// volumes declares what a pod mounts: secrets, configuration maps, claims, and
// buckets given to a CSI driver in the pod itself.
func (r *reader) volumes(s *podSpec) {
	for _, v := range s.at("volumes").items() {
		r.mounted(v)
		for _, source := range v.at("projected", "sources").items() {
			r.named(source.at("secret"), "Secret", "name")
			r.named(source.at("configMap"), "ConfigMap", "name")
		}
	}
}

func (r *reader) named(at value, kind, member string) {
	r.relate(r.local(kind, at.at(member).text()), estate.Reads, at.at(member))
}

func (r *reader) mounted(v value) {
	r.named(v.at("secret"), "Secret", "secretName")
	r.named(v.at("configMap"), "ConfigMap", "name")
	claim := v.at("persistentVolumeClaim")
	r.store(r.local("PersistentVolumeClaim", claim.at("claimName").text()), claim, claim.at("readOnly").flag())
	if e := v.at("ephemeral"); !e.missing() && r.kind == "Pod" {
		r.store(r.local("PersistentVolumeClaim", r.a.Name+"-"+v.at("name").text()), e, false)
	}
	csi := v.at("csi")
	if class := csi.at("volumeAttributes", "secretProviderClass"); class.text() != "" {
		r.relate(r.id(r.a.Region, "secrets-store.csi.x-k8s.io", "SecretProviderClass", class.text()), estate.Reads, class)
	}
	r.store(csiBucket(csi.at("driver").text(), csi.at("volumeAttributes", "bucketName").text()), csi, csi.at("readOnly").flag())
}

// store declares that a store is read, and written unless it is read-only.
func (r *reader) store(id string, at value, readOnly bool) {
	r.relate(id, estate.Reads, at)
	if !readOnly {
		r.relate(id, estate.Writes, at)
	}
}

// claim declares the volume a claim is bound to: what is read and written
// through the claim is the volume.
func (r *reader) claim() {
	volume := r.config("spec", "volumeName")
	r.store(r.id("", "", "PersistentVolume", volume.text()), volume, r.readOnlyModes())
	class := r.config("spec", "storageClassName")
	r.relate(r.id("", "storage.k8s.io", "StorageClass", class.text()), estate.Uses, class)
}

// volume declares the bucket behind a volume; disks and file systems, whose
// handles name no account, are joined in Derive.
func (r *reader) volume() {
	csi := r.config("spec", "csi")
	id := csiBucket(csi.at("driver").text(), csi.at("volumeAttributes", "bucketName").text())
	if id == "" {
		id = csiBucket(csi.at("driver").text(), csi.at("volumeHandle").text())
	}
	r.store(id, csi, r.readOnlyModes() || csi.at("readOnly").flag())
	class := r.config("spec", "storageClassName")
	r.relate(r.id("", "storage.k8s.io", "StorageClass", class.text()), estate.Uses, class)
}

// readOnlyModes reports whether all access modes are ReadOnlyMany.
func (r *reader) readOnlyModes() bool {
	modes := r.config("spec", "accessModes").texts()
	return len(modes) > 0 && !slices.ContainsFunc(modes, func(m string) bool { return m != "ReadOnlyMany" })
}

// csiBucket names the bucket that an object store's CSI driver mounts.
func csiBucket(driver, bucket string) string {
	bucket, _, _ = strings.Cut(bucket, "/")
	if bucket == "" || strings.ContainsAny(bucket, ":${}") {
		return ""
	}
	switch driver {
	case "s3.csi.aws.com":
		return "arn:aws:s3:::" + bucket
	case "gcsfuse.csi.storage.gke.io":
		return "//storage.googleapis.com/projects/_/buckets/" + bucket
	}
	return ""
}

// node declares the virtual machine a node is, where its provider id says so in
// full. An EC2 instance's names no account and is joined in Derive.
func (r *reader) node() {
	at := r.config("spec", "providerID")
	scheme, rest, _ := strings.Cut(at.text(), "://")
	switch parts := strings.Split(rest, "/"); {
	case scheme == "azure" && strings.HasPrefix(rest, "/subscriptions/"):
		r.relate(rest, estate.Uses, at)
	case scheme == "gce" && len(parts) == 3:
		r.relate("//compute.googleapis.com/projects/"+parts[0]+"/zones/"+parts[1]+"/instances/"+parts[2], estate.Uses, at)
	}
}
