package org.kazasu.fhir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Judges the folders given: Main DEFINITIONS EXCEPTIONS good|broken FOLDER … */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws IOException {
        Exceptions exceptions = new Exceptions(Table.read(Path.of(arguments[1])));
        Judge judge = new Judge(Table.read(Path.of(arguments[0])), exceptions);
        Count count = new Count();
        for (int at = 2; at + 1 < arguments.length; at += 2) {
            boolean good = arguments[at].equals("good");
            List<Verdict> verdicts =
                    files(Path.of(arguments[at + 1])).parallelStream().map(judge::judge).toList();
            verdicts.forEach(good ? count::good : count::broken);
        }
        System.exit(count.tell(exceptions.tell()) ? 0 : 1);
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
    }
}
