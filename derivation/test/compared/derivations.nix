# Derivations of several kinds, which are built in Nix's sandbox and in sessions.
{ system }:
let
  bash = name: script: more: derivation ({
    inherit name system;
    builder = "/bin/bash";
    # Bash would execute the last command in its own place. Nix kills a builder that has closed its output and not ended, as coreutils do at their end.
    args = [ "-e" "-c" "${script}\n:" ];
    PATH = "/usr/bin:/bin";
  } // more);
  words = bash "words" "echo one two three > $out" { };
  place = builtins.toFile "place" "a file";
  readme = builtins.toFile "readme" "the words are in ${place}";
in {
  folder = bash "folder" ''
    mkdir -p $out/bin $out/empty
    printf '#!/bin/sh\nexec cat %s\n' $words > $out/bin/words
    chmod 755 $out/bin/words
    ln -s bin/words $out/link
    $out/bin/words > $out/said'' { inherit words; };

  outputs = bash "outputs" ''
    mkdir $out $doc
    echo "read $doc" > $out/file
    echo "for $name" > $doc/file'' { outputs = [ "out" "doc" ]; };

  sha1 = bash "sha1" "printf hi > $out" {
    outputHashMode = "flat";
    outputHashAlgo = "sha1";
    outputHash = "c22b5f9178342609428d6f51b2c5af4c0bde6a42";
  };

  sha512 = bash "sha512" "printf hi > $out" {
    outputHashMode = "flat";
    outputHashAlgo = "sha512";
    outputHash = builtins.hashString "sha512" "hi";
  };

  tree = bash "tree" "mkdir $out; printf 'Hello from a fixed output.\\n' > $out/greeting" {
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    outputHash = "fd9f0a7776d0c9ddbd105841b451200f5aa7028653d3cc46a623e00c0507a0a3";
  };

  # Names and numbers of owners, of files and in their archive.
  archive = bash "archive" ''
    mkdir tree
    echo a > tree/a
    mkfifo tree/fifo
    tar --create --file $out --sort=name --mtime=@1 tree
    tar --list --verbose --file $out
    tar --extract --same-owner --file $out
    test -p tree/fifo'' { };

  localhost = bash "localhost" ''
    perl -MIO::Socket::INET -e '
      my $server = IO::Socket::INET->new(LocalAddr => "localhost", Listen => 1) or die "listen: $!";
      if (fork() == 0) {
        my $client = $server->accept;
        print $client "asked: " . <$client>;
        exit;
      }
      my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $server->sockport) or die "connect: $!";
      print $socket "who\n";
      print scalar <$socket>;' > $out
    { hostname; id; pwd; umask; env | sort; ls -A /etc /dev | grep -v kvm; } >> $out'' { };

  files = bash "files" ''
    mkdir $out
    cp $textPath $out/text
    cp graph ofDerivation inside $out
    stat --format '%n %A %U:%G' .attr* graph > $out/modes
    env | sort > $out/env'' {
      text = "a text\nthat is passed as a file";
      passAsFile = [ "text" "missing" ];
      exportReferencesGraph = [ "graph" readme "ofDerivation" words.drvPath "inside" "${readme}/file" ];
    };

  structured = bash "structured" ''
    source .attrs.sh
    mkdir ''${outputs[out]} ''${outputs[doc]}
    cp .attrs.json .attrs.sh ''${outputs[out]}
    declare -p list set number > ''${outputs[out]}/declared
    PATH=/usr/bin:/bin env | sort > ''${outputs[doc]}/env'' {
      __structuredAttrs = true;
      outputs = [ "out" "doc" ];
      list = [ "a b" 1 true null "it's" ];
      set = { key = "value"; "other key" = 2; };
      number = 9007199254740993;
      float = 1.0;
      huge = 1.0e300;
      nested = [ { deep = "ü\n\t"; } ];
      exportReferencesGraph.graph = [ readme words ];
      outputChecks.out.allowedReferences = [ "out" "doc" readme place words ];
      outputChecks.doc.disallowedRequisites = [ readme ];
      outputChecks.doc.maxSize = 10000;
    };

  placeholders = bash "placeholders" ''
    mkdir ${builtins.placeholder "out"}
    echo $own $(cat $textPath) > ${builtins.placeholder "out"}/paths
    echo ${builtins.placeholder "other"} > $doc'' {
      outputs = [ "out" "doc" ];
      own = "in ${builtins.placeholder "doc"}/file";
      text = builtins.placeholder "out";
      passAsFile = [ "text" ];
    };

  structuredPlaceholders = bash "structured-placeholders" ''
    source .attrs.sh
    mkdir $own
    cp .attrs.json .attrs.sh $own'' {
      __structuredAttrs = true;
      own = builtins.placeholder "out";
    };

  references = bash "references" "mkdir $out; echo $out $words > $out/file" {
    inherit words;
    allowedReferences = [ "out" words ];
    allowedRequisites = [ words ];
    disallowedReferences = [ readme ];
  };

  # A link whose target is not UTF-8, made by one and read by another.
  bytes = bash "bytes" "readlink -n $link > $out" { link = bash "link" "ln -s $(printf 'x\\377y') $out" { }; };

  discarded = bash "discarded" "source .attrs.sh; printf %s $readme > \${outputs[out]}" {
    inherit readme;
    __structuredAttrs = true;
    unsafeDiscardReferences.out = true;
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" (builtins.unsafeDiscardStringContext readme);
  };

  compiled = bash "compiled" ''
    printf '#include <stdio.h>\nint main(void) { puts("made by " __FILE__); }\n' > made.c
    gcc -g -o $out made.c
    $out'' { };

  # Where the parts of a process lie, without randomised addresses.
  addresses = bash "addresses" "sed -n 's/ .*\\[\\(heap\\|vdso\\)\\]$/ \\1/p' /proc/self/maps > $out; cat /proc/self/personality >> $out" { };

  dump = derivation {
    name = "dump";
    inherit system;
    builder = "/bin/bash";
    PATH = "/usr/bin:/bin";
    args = [ ./dump.sh ];
  };

  circle = bash "circle" "echo $doc > $out; echo $out > $doc" { outputs = [ "out" "doc" ]; };
  fifo = bash "fifo" "mkfifo $out" { };
  missing = bash "missing" "true" { };
  forbidden = bash "forbidden" "echo $words > $out" { inherit words; allowedReferences = [ ]; };
  requisite = bash "requisite" "echo $readme > $out" { inherit readme; disallowedRequisites = [ place ]; };
  part = bash "part" "echo $words > $out" { inherit words; disallowedReferences = [ "${words}/file" ]; };
  large = bash "large" "source .attrs.sh; echo > \${outputs[out]}" { __structuredAttrs = true; outputChecks.out.maxSize = 10; };
  other = bash "other" "printf other > $out" { outputHashMode = "flat"; outputHashAlgo = "sha1"; outputHash = "c22b5f9178342609428d6f51b2c5af4c0bde6a42"; };
}
