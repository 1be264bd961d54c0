package sigstore

// Stamped shows the tests of the double what time a stamp tells.
var Stamped = Signer.stamped
