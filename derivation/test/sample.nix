# The graph of examples/derivation/sample.mjs, in Nix's own language: what it is made of is written here once more, by hand.
{ system }:
let
  sh = name: script: more: derivation ({
    inherit name system;
    builder = "/bin/sh";
    args = [ "-e" "-c" script ];
    PATH = "/bin:/usr/bin";
  } // more);
in rec {
  words = sh "words" "printf 'one\\ntwo\\nthree\\n' > $out" { };
  greet = sh "greet" ''
    mkdir -p $out/bin
    printf '#!/bin/sh\nexec cat %s\n' $words > $out/bin/greet
    chmod 700 $out/bin/greet'' { inherit words; };
  link = sh "link" "ln -s $words $out" { inherit words; };
  pair = sh "pair" ''
    mkdir $out $doc
    printf 'read me\n' > $doc/README
    printf '%s\n' $doc > $out/doc
    ln $out/doc $out/same'' { outputs = [ "out" "doc" ]; };
  flat = sh "flat" "printf %s \"$text\" > $out" {
    text = "Hello from a fixed output.\n";
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" "Hello from a fixed output.\n";
  };
  tree = sh "tree" "mkdir $out; cp $flat $out/greeting" {
    inherit flat;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    outputHash = "fd9f0a7776d0c9ddbd105841b451200f5aa7028653d3cc46a623e00c0507a0a3";
  };
  report = derivation {
    name = "report";
    inherit system greet link pair tree;
    doc = pair.doc;
    builder = "/bin/sh";
    PATH = "/bin:/usr/bin";
    args = [ (builtins.toFile "report.sh" ''
      set -e
      mkdir $out
      $greet/bin/greet > $out/greeted
      cat $link $pair/doc $doc/README $tree/greeting > $out/read
      ls -a "$NIX_STORE" | grep -v '^\.' > $out/store
      mkdir $out/empty
      ln -s ../read $out/empty/up
    '') ];
  };
}
