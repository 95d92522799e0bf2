package org.kazasu.fhir;

import ca.uhn.fhir.validation.SingleValidationMessage;
import java.util.Map;
import java.util.TreeMap;

/** What was judged, by group: a group is a check, and so is a broken resource. */
final class Count {
    private final Map<String, Integer> judged = new TreeMap<>();
    private final Map<String, Integer> wrong = new TreeMap<>();
    private final Map<String, Integer> remarks = new TreeMap<>();
    /** The first file with each error. */
    private final Map<String, String> errors = new TreeMap<>();
    private int refused;
    private int taken;

    void good(Verdict verdict) {
        judged.merge(verdict.group(), 1, Integer::sum);
        wrong.merge(verdict.group(), verdict.isGood() ? 0 : 1, Integer::sum);
        for (SingleValidationMessage message : verdict.messages()) {
            if (Judge.isError(message)) {
                errors.putIfAbsent(text(verdict, message), verdict.file().toString());
            } else {
                remarks.merge(message.getSeverity() + " " + message.getMessageId(), 1, Integer::sum);
            }
        }
    }

    private static String text(Verdict verdict, SingleValidationMessage message) {
        return verdict.group() + ": " + Judge.path(message) + ": " + message.getMessage();
    }

    void broken(Verdict verdict) {
        if (verdict.isGood()) {
            taken++;
            System.out.println("NOT REFUSED: " + verdict.file());
        } else {
            refused++;
        }
    }

    /** Prints it all, the count last; false when there is a failure, or nothing was judged. */
    boolean tell(boolean exceptionsMet) {
        remarks.forEach((id, count) -> System.out.printf("%5d %s%n", count, id));
        judged.forEach((group, count) -> System.out.printf("%5d %s, %d wrong%n", count, group, wrong.get(group)));
        errors.forEach((text, file) -> System.out.printf("ERROR %s, first in %s%n", text, file));
        long failed = wrong.values().stream().filter(count -> count > 0).count() + taken + (exceptionsMet ? 0 : 1);
        // One more check: every exception was met.
        long passed = judged.size() + taken + refused + 1 - failed;
        System.out.printf(
                "| HAPI           | %5d resources | %4d wrong | %3d broken ones refused | %d remarks that are no errors |%n",
                sum(judged), sum(wrong), refused, sum(remarks));
        System.out.printf("%d passed, %d failed%n", passed, failed);
        return failed == 0 && !judged.isEmpty() && refused > 0;
    }

    private static int sum(Map<String, Integer> counts) {
        return counts.values().stream().mapToInt(Integer::intValue).sum();
    }
}
