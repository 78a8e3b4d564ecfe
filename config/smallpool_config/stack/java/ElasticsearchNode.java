import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Runs one node of Elasticsearch in its home, the one argument, until it is told to end.
 *
 * <p>Elasticsearch's own main class expects the launcher of its distribution, which is not published as a jar.
 */
public final class ElasticsearchNode {
    private static final int CLOSE_LIMIT_S = 10;

    private ElasticsearchNode() {}

    public static void main(String[] arguments) throws InterruptedException {
        try {
            start(Path.of(arguments[0]));
        } catch (Throwable failure) {
            failure.printStackTrace();
            System.exit(1); // threads that were started already would keep the process
        }
        Thread.currentThread().join(); // the shutdown hook ends it
    }

    private static void start(Path home) throws Exception {
        LogConfigurator.configureESLogging(); // before anything that logs, or nothing can be loaded
        Settings settings = Settings.builder().put("path.home", home.toString()).build();
        Environment environment =
                InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "unnamed");
        LogConfigurator.configure(environment, true);
        PluginsLoader plugins = PluginsLoader.createPluginsLoader(
                PluginsLoader.loadModulesBundles(environment.modulesDir()),
                PluginsLoader.loadPluginsBundles(environment.pluginsDir()),
                Map.of());
        Node node = new Node(environment, plugins);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
        node.start();
    }

    private static void close(Node node) {
        try {
            node.prepareForClose();
            node.close();
            node.awaitClose(CLOSE_LIMIT_S, TimeUnit.SECONDS);
        } catch (Exception failure) {
            failure.printStackTrace();
        }
    }
}
