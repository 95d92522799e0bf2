package org.kazasu.fhir;

import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;

/** The errors that exceptions.json names with a reason; each has to be met. */
final class Exceptions {
    /** Errors by the end of their path, any if there is none, and by their text. */
    private record Row(String path, Pattern message, String why, AtomicInteger met) {
        static Row of(JsonNode row) {
            Pattern message = Pattern.compile(row.get("message").asText());
            return new Row(row.path("path").asText(), message, row.get("why").asText(), new AtomicInteger());
        }

        boolean covers(SingleValidationMessage found) {
            return Judge.path(found).endsWith(path) && message.matcher(found.getMessage()).find();
        }
    }

    private final List<Row> rows = new ArrayList<>();

    Exceptions(JsonNode table) {
        table.forEach(row -> rows.add(Row.of(row)));
    }

    boolean cover(SingleValidationMessage found) {
        for (Row row : rows) {
            if (row.covers(found)) {
                row.met.incrementAndGet();
                return true;
            }
        }
        return false;
    }

    /** Tells how often each was met; false when one was not, and should go. */
    boolean tell() {
        for (Row row : rows) {
            System.out.printf("exception met %d times: %s%n", row.met.get(), row.why);
        }
        return rows.stream().allMatch(row -> row.met.get() > 0);
    }
}
