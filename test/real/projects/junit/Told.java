import java.util.HashSet;
import java.util.Set;
import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.notification.Failure;
import org.junit.runner.notification.RunListener;

/** Runs the classes that are named, and says of each test what became of it. */
public class Told extends RunListener {
    private final Set<Description> failed = new HashSet<>();
    private final Set<Description> skipped = new HashSet<>();

    @Override
    public void testFailure(Failure failure) {
        failed.add(failure.getDescription());
    }

    @Override
    public void testAssumptionFailure(Failure failure) {
        skipped.add(failure.getDescription());
    }

    @Override
    public void testIgnored(Description test) {
        say("skipped", test);
    }

    @Override
    public void testFinished(Description test) {
        say(failed.contains(test) ? "failed" : skipped.contains(test) ? "skipped" : "passed", test);
    }

    private static void say(String outcome, Description test) {
        System.err.println("TEST " + outcome + " " + test.getDisplayName().replaceAll("\\s+", " "));
    }

    public static void main(String[] names) throws ClassNotFoundException {
        JUnitCore core = new JUnitCore();
        core.addListener(new Told());
        for (String name : names) core.run(Class.forName(name));
        System.exit(0);
    }
}
